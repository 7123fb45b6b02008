import { Type, type Static, type TSchema } from 'typebox';
import { parseCertificateRole } from '../../runtime/certificate-role.ts';
import { type LogLevel, parseEndpoint, parseVoters } from '../../runtime/server-config.ts';
import { outputForms } from '../output/forms.ts';

/**
 * One thing that can be set: by a file, by the environment, and by a flag, of which the later one counts. All
 * that is said of it anywhere is derived from here.
 */
export type Setting<Schema extends TSchema = TSchema> = {
  readonly schema: Schema;
  /** As commander writes it. */
  readonly flags: string;
  readonly meaning: string;
  readonly fallback?: Static<Schema>;
  /** It has no value by itself, and must be given one. */
  readonly isRequired?: true;
  /** A flag that may be repeated. */
  readonly isRepeatable?: true;
  /** What the schema cannot say: what is wrong with one value (of a list: with one member); null when nothing is. */
  readonly findFault?: (text: string) => string | null;
  /** What it may be, where the schema does not say it well enough. */
  readonly allowed?: string;
};

export type Settings = Readonly<Record<string, Setting>>;

function setting<Schema extends TSchema>(definition: Setting<Schema>): Setting<Schema> {
  return definition;
}

const text = Type.String({ minLength: 1 });
const texts = Type.Array(text);

export const defaultEndpoints: readonly string[] = [
  'http://127.0.0.1:9644',
  'http://127.0.0.1:9646',
  'http://127.0.0.1:9648',
];

const addressText = 'a host and a port, as in 127.0.0.1:9644';

function addressFault(address: string): string | null {
  return parseEndpoint(address) === null ? 'it is no address' : null;
}

/** Of every command that asks a cluster. A token is not among them: it is a secret, and has a way of its own. */
export const clientSettings = {
  output: setting({
    schema: Type.Enum(outputForms),
    flags: '-o, --output <form>',
    meaning: 'how to show the answer',
    fallback: 'table',
  }),
  endpoints: setting({
    schema: Type.Array(text, { minItems: 1 }),
    flags: '--endpoints <urls>',
    meaning: 'controllers to ask, separated by commas',
    fallback: [...defaultEndpoints],
    allowed: 'URLs separated by commas, as in http://127.0.0.1:9644',
  }),
  requestTimeoutMs: setting({
    schema: Type.Integer({ minimum: 1, maximum: 999_999_999 }),
    flags: '--timeout <ms>',
    meaning: 'how long to wait for an answer',
    fallback: 10_000,
  }),
  tlsAuthority: setting({
    schema: text,
    flags: '--tls-authority <file>',
    meaning: 'PEM of the authority that signed the servers’ certificates',
  }),
  tlsCertificate: setting({
    schema: text,
    flags: '--tls-certificate <file>',
    meaning: 'PEM of this client’s certificate',
  }),
  tlsKey: setting({ schema: text, flags: '--tls-key <file>', meaning: 'PEM of this client’s key' }),
  tokenFile: setting({
    schema: text,
    flags: '--token-file <file>',
    meaning: 'a file with the token that says who asks; or the token itself as OTTLA_TOKEN',
  }),
} as const satisfies Settings;

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

export const serverSettings = {
  nodeId: setting({
    schema: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
    flags: '--node-id <id>',
    meaning: 'this controller’s id, a whole number',
    isRequired: true,
  }),
  dataDir: setting({
    schema: text,
    flags: '--data-dir <directory>',
    meaning: 'where its log and state stand; made when it is not there',
    isRequired: true,
  }),
  voters: setting({
    schema: Type.Array(text, { minItems: 1 }),
    flags: '--voters <voters>',
    meaning: 'all controllers of the first start: id@host:port,… (ports for peers)',
    isRequired: true,
    findFault: (voter) => {
      const parsed = parseVoters(voter);
      return parsed.ok ? null : 'it is no voter';
    },
    allowed: 'id@host:port for each controller, as in 0@127.0.0.1:9645,1@127.0.0.1:9647',
  }),
  http: setting({
    schema: text,
    flags: '--http <address>',
    meaning: 'where clients and brokers reach it',
    fallback: '127.0.0.1:9644',
    findFault: addressFault,
    allowed: addressText,
  }),
  peers: setting({
    schema: text,
    flags: '--peers <address>',
    meaning: 'where it listens for the other controllers; what --voters says when absent',
    findFault: addressFault,
    allowed: addressText,
  }),
  tlsCertificate: setting({
    schema: text,
    flags: '--tls-certificate <file>',
    meaning: 'PEM of its certificate, for clients and peers',
  }),
  tlsKey: setting({ schema: text, flags: '--tls-key <file>', meaning: 'PEM of its key' }),
  tlsAuthority: setting({
    schema: text,
    flags: '--tls-authority <file>',
    meaning: 'PEM of the authority that signed its peers’ (and clients’) certificates',
  }),
  tlsClientCertificates: setting({
    schema: Type.Boolean(),
    flags: '--tls-client-certificates',
    meaning: 'let only clients in that show a certificate',
    fallback: false,
  }),
  insecure: setting({
    schema: Type.Boolean(),
    flags: '--insecure',
    meaning: 'allow addresses without TLS that other machines can reach, and ask nobody who they are',
    fallback: false,
  }),
  authentication: setting({
    schema: Type.Boolean(),
    flags: '--authentication',
    meaning: 'ask everybody who they are, even with --insecure',
    fallback: false,
  }),
  certificateRole: setting({
    schema: texts,
    flags: '--certificate-role <name=role>',
    meaning:
      'give client certificates a role, as in CN:ops=operator or DNS:b1.example.org=broker:1; may be repeated',
    fallback: [],
    isRepeatable: true,
    findFault: (role) => {
      const parsed = parseCertificateRole(role);
      return parsed.ok ? null : 'it gives no role';
    },
    allowed: 'a name and a role, as in CN:ops=operator',
  }),
  policyModule: setting({
    schema: text,
    flags: '--policy-module <file>',
    meaning: 'a JavaScript module whose createTopic and alterConfig say what is refused',
  }),
  set: setting({
    schema: texts,
    flags: '--set <name=number>',
    meaning: 'change a setting of the controller, as in segmentBytes=1048576; may be repeated',
    fallback: [],
    isRepeatable: true,
    findFault: (text) => (/^[A-Za-z]+=\d{1,15}$/.test(text) ? null : 'it is no setting'),
    allowed: 'a name and a number, as in segmentBytes=1048576',
  }),
  logLevel: setting({
    schema: Type.Enum(logLevels),
    flags: '--log-level <level>',
    meaning: 'how much it says',
    fallback: 'info',
  }),
} as const satisfies Settings;

export const brokerSettings = {
  id: setting({
    schema: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
    flags: '--id <id>',
    meaning: 'this broker’s id, a whole number',
    isRequired: true,
  }),
  controllers: setting({
    schema: Type.Array(text, { minItems: 1 }),
    flags: '--controllers <urls>',
    meaning: 'the controllers, separated by commas',
    fallback: [...defaultEndpoints],
    allowed: 'URLs separated by commas, as in http://127.0.0.1:9644',
  }),
  directory: setting({
    schema: text,
    flags: '--directory <directory>',
    meaning: 'where its partitions stand; made when it is not there',
    isRequired: true,
  }),
  listen: setting({
    schema: text,
    flags: '--listen <address>',
    meaning: 'where clients and other brokers reach it; port 0 takes a free one',
    fallback: '127.0.0.1:9092',
    findFault: addressFault,
    allowed: addressText,
  }),
  advertise: setting({
    schema: text,
    flags: '--advertise <address>',
    meaning: 'where it says that it is reached; where it listens when absent',
    findFault: addressFault,
    allowed: addressText,
  }),
  rack: setting({ schema: text, flags: '--rack <rack>', meaning: 'the rack in which it stands' }),
  insecure: setting({
    schema: Type.Boolean(),
    flags: '--insecure',
    meaning: 'allow an address that other machines can reach: the broker asks nobody who they are',
    fallback: false,
  }),
  tlsAuthority: setting({
    schema: text,
    flags: '--tls-authority <file>',
    meaning: 'PEM of the authority that signed the controllers’ certificates',
  }),
  tlsCertificate: setting({
    schema: text,
    flags: '--tls-certificate <file>',
    meaning: 'PEM of the certificate that it shows to controllers',
  }),
  tlsKey: setting({ schema: text, flags: '--tls-key <file>', meaning: 'PEM of its key' }),
  tokenFile: setting({
    schema: text,
    flags: '--token-file <file>',
    meaning: 'a file with a token of the role broker for its id; or the token itself as OTTLA_TOKEN',
  }),
  set: setting({
    schema: texts,
    flags: '--set <name=number>',
    meaning: 'change a setting of the broker, as in replicaLagTimeMaxMs=10000; may be repeated',
    fallback: [],
    isRepeatable: true,
    findFault: (given) => (/^[A-Za-z]+=\d{1,15}$/.test(given) ? null : 'it is no setting'),
    allowed: 'a name and a number, as in replicaLagTimeMaxMs=10000',
  }),
  logLevel: setting({
    schema: Type.Enum(logLevels),
    flags: '--log-level <level>',
    meaning: 'how much it says',
    fallback: 'info',
  }),
} as const satisfies Settings;

/** The sections of a file of settings, and what the names of their variables begin with. */
export const sections = {
  client: { settings: clientSettings, variablePrefix: 'OTTLA_' },
  server: { settings: serverSettings, variablePrefix: 'OTTLA_SERVER_' },
  broker: { settings: brokerSettings, variablePrefix: 'OTTLA_BROKER_' },
} as const satisfies Readonly<
  Record<string, { readonly settings: Settings; readonly variablePrefix: string }>
>;

export type SectionName = keyof typeof sections;

/** `OTTLA_SERVER_NODE_ID` for `nodeId` of the server. */
export function variableOf(section: SectionName, name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return `${sections[section].variablePrefix}${words}`;
}

/** `--node-id` of `--node-id <id>`. */
export function flagOf({ flags }: Setting): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}
