import type { FastifyInstance } from 'fastify';

/** Which methods the routes at a path understand. */
export type RouteMethods = {
  /** In the order of their names; empty when there is nothing at the path. */
  methodsAt(path: string): readonly string[];
};

/** Notes every route that is added from now on: a path that is known with another method answers 405 by it. */
export function collectMethods(app: FastifyInstance): RouteMethods {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set(['OPTIONS']) };
    for (const each of [method].flat()) route.methods.add(each);
    routes.set(url, route);
  });
  return {
    methodsAt: (path) => {
      const found = new Set<string>();
      for (const { pattern, methods } of routes.values()) {
        if (pattern.test(path)) for (const method of methods) found.add(method);
      }
      return [...found].sort();
    },
  };
}

/** `/topics/:topic` as an expression; `*` at the end stands for the rest of a path. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    return part === '*' ? '.*' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('/')}$`);
}
