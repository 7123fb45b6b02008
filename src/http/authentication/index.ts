export { createAuthenticator, type Authentication } from './authenticator.ts';
export { findForbidden, findForeignBroker } from './authorisation.ts';
export { findDishonoured } from './dishonoured.ts';
export type { Identity } from './identity.ts';
export { identityOf, refuseStrangers } from './refuse-strangers.ts';
