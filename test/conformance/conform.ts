import type { BrokerControl, CommandPlaces } from '../../src/conformance/broker-control.ts';
import type { RuleName } from '../../src/conformance/rules.ts';
import { runConformance } from '../../src/conformance/run.ts';
import type { Report } from '../../src/conformance/verdict.ts';
import { startServer } from '../../src/server/start-server.ts';

/** Runs the kit against a broker of a test's own. */
export function conform(
  broker: ((places: CommandPlaces) => BrokerControl) | null,
  only?: readonly RuleName[],
  data: { readonly url: string | null } | null = null,
): Promise<Report> {
  return runConformance({
    startServer,
    listen: { host: '127.0.0.1', port: 0 },
    sessionTimeoutMs: 2_000,
    broker,
    data,
    onListening: () => {},
    onResult: () => {},
    onOutput: () => {},
    ...(only === undefined ? {} : { only }),
  });
}

/** What is not kept, a line each with the reasons, apart from what no kit sees. */
export function notKept({ results }: Report): string {
  return results
    .filter(({ outcome }) => outcome.kind === 'broken' || outcome.kind === 'inconclusive')
    .map(({ rule, outcome }) => `${rule}: ${JSON.stringify(outcome)}`)
    .join('\n');
}

/** The one rule that was found broken; where it is not one, all that a failing test should show. */
export function accusation(report: Report): string {
  const broken = report.results.filter(({ outcome }) => outcome.kind === 'broken');
  return broken.length === 1 ? (broken[0]?.rule ?? '') : `${broken.length} are broken.\n${notKept(report)}`;
}
