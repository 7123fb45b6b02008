import { probeListenerName } from '../../metadata/resources/broker/probe-listener.ts';

/** What brokers and controllers register, as one text each. */

type Listener = { readonly name: string; readonly host: string; readonly port: number };
type SupportedRange = {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
};

/** Where clients are served: nobody asks anything at the port that shows only that its process lives. */
export function listenersOf(listeners: readonly Listener[]): string {
  const forClients = listeners.filter(({ name }) => name !== probeListenerName);
  return forClients.map(({ name, host, port }) => `${name}://${host}:${port}`).join(' ');
}

export function featureRange({ name, minSupportedVersion, maxSupportedVersion }: SupportedRange): string {
  return `${name} ${minSupportedVersion} to ${maxSupportedVersion}`;
}
