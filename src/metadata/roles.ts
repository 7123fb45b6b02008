/**
 * What one who asks may be. An operation names the roles that may call it (`mayCall`); HTTP enforces it
 * before the controller sees the request.
 *
 * - `administrator` may call everything, and is never listed.
 * - `operator` runs the cluster: topics, brokers, sessions, the log. It gives nobody rights.
 * - `broker` is bound to one broker id and speaks for that broker alone.
 * - `reader` looks and changes nothing.
 */
export const roles = ['administrator', 'operator', 'broker', 'reader'] as const;

export type Role = (typeof roles)[number];

/** For what anybody may call who has said who it is. */
export const everyRole: readonly Role[] = Object.freeze(['operator', 'broker', 'reader'] as const);

/** Whether `role` may call an operation that names these. */
export function isAllowed(role: Role, mayCall: readonly Role[]): boolean {
  return role === 'administrator' || mayCall.includes(role);
}
