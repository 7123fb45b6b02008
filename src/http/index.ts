export { startHttpServer, type HttpServer } from './server.ts';
export {
  type HttpServerOptions,
  type TlsMaterial,
} from './options.ts';
