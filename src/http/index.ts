export type { Authentication } from './authentication/index.ts';
export { startHttpServer, type HttpServer } from './server.ts';
export {
  type HttpServerOptions,
  type TlsMaterial,
} from './options.ts';
