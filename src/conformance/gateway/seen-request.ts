/** What a broker asks of the controllers, as far as checks tell requests apart. */
export type RequestKind = 'register' | 'heartbeat' | 'alterPartition' | 'watch' | 'cluster' | 'other';

/** One request of the broker's that came to the gateway. Times are of the kit's monotonic clock. */
export type SeenRequest = {
  readonly kind: RequestKind;
  /** Which of the gateway's two addresses it came to. */
  readonly door: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly arrivedAtMs: number;
  /** What the broker was sent, and when; null while it was sent nothing. */
  answer: SeenAnswer | null;
};

export type SeenAnswer = {
  readonly atMs: number;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
};

export function kindOf(method: string, path: string): RequestKind {
  const [pathname = ''] = path.split('?');
  if (method === 'POST' && pathname === '/v1/brokers') return 'register';
  if (method === 'POST' && /^\/v1\/brokers\/\d+\/heartbeat$/.test(pathname)) return 'heartbeat';
  if (method === 'POST' && pathname === '/v1/isr') return 'alterPartition';
  if (pathname === '/v1/watch') return 'watch';
  return pathname === '/v1/cluster' ? 'cluster' : 'other';
}

/** The object that a text of JSON is; an empty one where it is none. */
export function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
