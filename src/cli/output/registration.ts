/** What brokers and controllers register, as one text each. */

type Listener = { readonly name: string; readonly host: string; readonly port: number };
type SupportedRange = {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
};

export function listenersOf(listeners: readonly Listener[]): string {
  return listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(' ');
}

export function featureRange({ name, minSupportedVersion, maxSupportedVersion }: SupportedRange): string {
  return `${name} ${minSupportedVersion} to ${maxSupportedVersion}`;
}
