export { startHttpServer, type HttpServer } from './server.ts';
export {
  defaultHttpLimits,
  isLoopback,
  type HttpLimits,
  type HttpServerOptions,
  type HttpStartError,
  type TlsMaterial,
} from './options.ts';
