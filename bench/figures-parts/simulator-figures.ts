import { count, table } from './format.ts';
import { numberOf, type Results } from './results.ts';

/** What the host is made of, as the page's readers know it. */
const hostTexts = {
  node: 'the whole controller, operators, clients and model brokers',
  bare: 'the core on its log, and clients',
} as const;

export function simulatorFigures(simulator: Results): string {
  const rows = Object.entries(hostTexts).map(([host, text]) => {
    const row = simulator.row({ host });
    const figure = (field: string): string => count(numberOf(row, field));
    const range = `${figure('slowestRound')} to ${figure('fastestRound')}`;
    return [text, `${figure('simulatedSecondsPerSecond')} s (${range})`, figure('eventsPerSimulatedSecond')];
  });
  return `\`npm run bench -- simulator\` (${simulator.when}): three nodes with faults and every checker, one second of the processor.

${table(['what is simulated', 'simulated time', 'events per simulated second'], rows)}`;
}
