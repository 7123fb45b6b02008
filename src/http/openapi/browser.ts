import swagger, { type FastifyStaticSwaggerOptions } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { ApiDocument } from './document.ts';

export const browserPath = '/docs';

/** Nothing is fetched from anywhere but this node. Styles are put into the page by the browser’s own script. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "object-src 'none'",
  "style-src 'self' 'unsafe-inline'",
].join('; ');

/**
 * Serves the API browser of this document. This module loads the browser and is itself loaded only where one
 * is wanted: whoever embeds a controller does not pay for it.
 */
export async function addApiBrowser(app: FastifyInstance, document: ApiDocument): Promise<void> {
  // The border to the package, whose types know OpenAPI 3.0 only; it hands the document on as it is.
  const specification = { document } as unknown as FastifyStaticSwaggerOptions['specification'];
  await app.register(async (browser) => {
    // Like the document that it shows, it says nothing of the cluster: strangers may read it.
    browser.addHook('onRoute', (route) => {
      route.config = { ...route.config, isPublic: true };
    });
    await browser.register(swagger, { mode: 'static', specification });
    await browser.register(swaggerUi, {
      routePrefix: browserPath,
      staticCSP: contentSecurityPolicy,
      uiConfig: { deepLinking: true, docExpansion: 'none', tryItOutEnabled: false },
    });
  });
}
