import { createClient } from '../client/create-client.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { StartServer } from '../runtime/server-config.ts';
import { type BrokerControl, CommandControl, type CommandPlaces } from './broker-control.ts';
import type { Check } from './check.ts';
import { heartbeatChecks } from './checks/heartbeats.ts';
import { leavingChecks } from './checks/leaving.ts';
import { metadataChecks } from './checks/metadata.ts';
import { registrationChecks } from './checks/registration.ts';
import { Gateway } from './gateway/gateway.ts';
import { Kit } from './kit.ts';
import { startKitQuorum } from './quorum.ts';
import { type Rule, type RuleName, rules } from './rules.ts';
import {
  Inconclusive,
  NotApplicable,
  type Outcome,
  type Report,
  RuleBroken,
  type RuleResult,
  verdictOf,
} from './verdict.ts';

export type ConformanceOptions = {
  readonly startServer: StartServer;
  /** Where the gateway listens; the port after it, too. Port 0 takes free ones. */
  readonly listen: Endpoint;
  readonly sessionTimeoutMs: number;
  /** Only these rules; all of them when absent. */
  readonly only?: readonly RuleName[];
  /** Starts and ends the broker: a command line, or what a test has. Null: somebody else has started it. */
  readonly broker: string | ((places: CommandPlaces) => BrokerControl) | null;
  /** Told where the controllers of the broker are, before it is waited for. */
  readonly onListening: (controllers: readonly string[]) => void;
  readonly onResult: (result: RuleResult) => void;
  /** What the broker's process writes. */
  readonly onOutput: (text: string) => void;
};

const checks: ReadonlyMap<RuleName, Check> = new Map(
  [...registrationChecks, ...heartbeatChecks, ...metadataChecks, ...leavingChecks].map((check) => [
    check.rule,
    check,
  ]),
);

/** A check that could not tell is tried again. */
const attemptsMax = 3;

/** Holds a broker against the rules, one after the other, in a cluster that is made for it and goes with it. */
export async function runConformance(options: ConformanceOptions): Promise<Report> {
  const { sessionTimeoutMs } = options;
  const quorum = await startKitQuorum(options.startServer, sessionTimeoutMs);
  const gateway = new Gateway(quorum.url);
  const client = createClient({ endpoints: [quorum.url] });
  let control: BrokerControl | null = null;
  try {
    await gateway.listen(options.listen);
    options.onListening(gateway.urls);
    const places = { controllers: gateway.urls.join(','), directory: `${quorum.directory}/broker` };
    control = controlOf(options, places);
    const kit = new Kit({ gateway, client, control, sessionTimeoutMs });
    try {
      return await runChecks(kit, options);
    } finally {
      kit.close();
    }
  } finally {
    await control?.kill();
    await client.close();
    await gateway.close();
    await quorum.close();
  }
}

function controlOf({ broker, onOutput }: ConformanceOptions, places: CommandPlaces): BrokerControl | null {
  if (typeof broker === 'string') return new CommandControl(broker, places, onOutput);
  return broker === null ? null : broker(places);
}

async function runChecks(kit: Kit, { only, onResult }: ConformanceOptions): Promise<Report> {
  const results: RuleResult[] = [];
  let lost: string | null = null;
  for (const rule of rules) {
    if (only !== undefined && !only.includes(rule.name)) continue;
    const outcome: Outcome =
      lost === null ? await lookAt(kit, rule, results) : { kind: 'inconclusive', reason: lost };
    if (outcome.kind === 'inconclusive' && kit.knownBrokerId === null) lost = outcome.reason;
    const result = { rule: rule.name, level: rule.level, outcome };
    results.push(result);
    onResult(result);
  }
  return { brokerId: kit.knownBrokerId, results, verdict: verdictOf(results) };
}

async function lookAt(kit: Kit, rule: Rule, before: readonly RuleResult[]): Promise<Outcome> {
  if (rule.unseen !== undefined) return { kind: 'unseen', reason: rule.unseen };
  const check = checks.get(rule.name);
  if (check === undefined) return { kind: 'unseen', reason: 'No check looks at it.' };
  const skipped = whySkipped(kit, check, before);
  if (skipped !== null) return { kind: 'skipped', reason: skipped };
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryCheck(kit, check);
    if (outcome.kind !== 'inconclusive' || attempt === attemptsMax || kit.knownBrokerId === null)
      return outcome;
  }
}

function whySkipped(kit: Kit, { needsCommand, after }: Check, before: readonly RuleResult[]): string | null {
  if (needsCommand === true && !kit.hasControl)
    return 'It needs a --command by which the kit starts the broker.';
  const earlier = before.find(({ rule }) => rule === after);
  if (earlier === undefined || earlier.outcome.kind === 'kept') return null;
  return `It is looked at only where ${earlier.rule} is kept.`;
}

async function tryCheck(kit: Kit, check: Check): Promise<Outcome> {
  try {
    await kit.settle();
    await check.run(kit);
    return { kind: 'kept' };
  } catch (error) {
    if (error instanceof RuleBroken) return { kind: 'broken', demanded: error.demanded, seen: error.seen };
    if (error instanceof NotApplicable) return { kind: 'skipped', reason: error.message };
    if (error instanceof Inconclusive) return { kind: 'inconclusive', reason: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'inconclusive', reason: `The check could not go on: ${reason}` };
  }
}
