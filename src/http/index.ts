export type { Authentication } from './authentication/index.ts';
export { startHttpServer, type HttpServer } from './server.ts';
export {
  type HttpLimits,
  type HttpServerOptions,
  type TlsMaterial,
} from './options.ts';
