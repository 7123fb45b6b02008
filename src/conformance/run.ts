import { assertDefined } from '../base/assert.ts';
import { createClient } from '../client/create-client.ts';
import type { Endpoint } from '../raft/replica-key.ts';
import type { StartServer } from '../runtime/server-config.ts';
import { type BrokerControl, CommandControl, type CommandPlaces } from './broker-control.ts';
import type { Check } from './check.ts';
import { heartbeatChecks } from './checks/heartbeats.ts';
import { followingChecks } from './checks/following.ts';
import { inSyncChecks } from './checks/in-sync.ts';
import { leadingChecks } from './checks/leading.ts';
import { leaseChecks } from './checks/lease.ts';
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
  /** Null: the broker has a data plane of another kind. A url of null is the one that it registers. */
  readonly data: { readonly url: string | null } | null;
  /** Told where the controllers of the broker are, before it is waited for. */
  readonly onListening: (controllers: readonly string[]) => void;
  readonly onResult: (result: RuleResult) => void;
  /** What the broker's process writes. */
  readonly onOutput: (text: string) => void;
};

const checks: ReadonlyMap<RuleName, Check> = new Map(
  [
    ...registrationChecks,
    ...heartbeatChecks,
    ...leaseChecks,
    ...metadataChecks,
    ...followingChecks,
    ...leadingChecks,
    ...inSyncChecks,
    ...leavingChecks,
  ].map((check) => [check.rule, check]),
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
    const kit = new Kit({ gateway, client, control, data: options.data, sessionTimeoutMs });
    try {
      return await runChecks(kit, options);
    } finally {
      await kit.close();
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
  const run = new Run(kit);
  const results: RuleResult[] = [];
  for (const rule of rules) {
    if (only !== undefined && !only.includes(rule.name)) continue;
    const result = { rule: rule.name, level: rule.level, outcome: await run.outcomeOf(rule) };
    results.push(result);
    onResult(result);
  }
  return { brokerId: kit.knownBrokerId, results, verdict: verdictOf(results) };
}

/** What came of each rule. One on which another rests is looked at before it, wherever it stands. */
class Run {
  readonly #kit: Kit;
  readonly #outcomes = new Map<RuleName, Outcome>();
  /** Why nothing more can be told. */
  #lost: string | null = null;

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  async outcomeOf(rule: Rule): Promise<Outcome> {
    const known = this.#outcomes.get(rule.name);
    const outcome = known ?? (await this.#lookAt(rule));
    this.#outcomes.set(rule.name, outcome);
    return outcome;
  }

  async #lookAt({ name, unseen }: Rule): Promise<Outcome> {
    if (unseen !== undefined) return { kind: 'unseen', reason: unseen };
    const check = assertDefined(checks.get(name), `${name} is seen, so that a check looks at it`);
    const skipped = whySkipped(this.#kit, check) ?? (await this.#whyAfterAnother(check));
    if (skipped !== null) return { kind: 'skipped', reason: skipped };
    if (this.#lost !== null) return { kind: 'inconclusive', reason: this.#lost };
    for (let attempt = 1; ; attempt++) {
      const outcome = await tryCheck(this.#kit, check);
      if (outcome.kind !== 'inconclusive') return outcome;
      // A broker that never came is not waited for again and again.
      if (this.#kit.knownBrokerId === null) this.#lost = outcome.reason;
      if (attempt === attemptsMax || this.#lost !== null) return outcome;
    }
  }

  async #whyAfterAnother({ after }: Check): Promise<string | null> {
    const earlier = rules.find(({ name }) => name === after);
    if (earlier === undefined) return null;
    const { kind } = await this.outcomeOf(earlier);
    return kind === 'kept' ? null : `It is looked at only where ${earlier.name} is kept.`;
  }
}

function whySkipped(kit: Kit, { needsCommand, needsData }: Check): string | null {
  if (needsCommand === true && !kit.hasControl)
    return 'It needs a --command by which the kit starts the broker.';
  if (needsData === true && !kit.hasData) return 'It needs a data plane over HTTP, and --no-data was given.';
  return null;
}

async function tryCheck(kit: Kit, check: Check): Promise<Outcome> {
  try {
    await kit.settle();
    if (check.needsData === true) await kit.settleData();
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

/** What a run must have for a rule to be looked at, in words. */
export function checkNeeds(rule: RuleName): string {
  const { needsCommand, needsData } = assertDefined(
    checks.get(rule),
    `${rule} is seen, so that a check looks at it`,
  );
  const needs = [
    ...(needsCommand === true ? ['`--command`'] : []),
    ...(needsData === true ? ['the data plane'] : []),
  ];
  return needs.join(', ');
}
