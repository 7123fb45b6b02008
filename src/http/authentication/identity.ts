import type { Uuid } from '../../base/brands.ts';
import type { Role } from '../../metadata/roles.ts';

/** Who asks, and what that one may do. */
export type Identity = {
  /** Kafka's form, `User:operations`. Sessions and idempotency keys are a principal's own. */
  readonly principal: string;
  readonly role: Role;
  /** The broker that it speaks for; null unless its role is broker. */
  readonly brokerId: number | null;
  /** The token that was shown, which the leader looks at once more; null for a certificate. */
  readonly tokenId: Uuid | null;
};

/** Kafka's name for one who did not say who it is. */
export const anonymousPrincipal = 'User:ANONYMOUS';
