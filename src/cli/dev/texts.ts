import { renderTable } from '../output/table.ts';
import { style, type Terminal } from '../output/terminal.ts';
import { devBasePort, devHost, endpointsOfLayout, type DevLayout } from './layout.ts';

export type Member = {
  readonly kind: 'controller' | 'broker';
  readonly id: number;
  readonly pid: number;
  readonly isRunning: boolean;
};

/** Who there is, under which addresses and pids. */
export function headline(layout: DevLayout, members: readonly Member[], terminal: Terminal): string {
  const rows = members.map((member) => ({ ...member, url: urlOf(layout, member) }));
  const table = renderTable(
    [
      { heading: 'PROCESS', cell: (row) => `${row.kind} ${row.id}` },
      { heading: 'URL', cell: (row) => row.url },
      { heading: 'PID', cell: (row) => row.pid, align: 'right' },
    ],
    rows,
    (heading) => style(terminal, 'bold', heading),
  );
  return `\n${table}\n`;
}

export function urlOf(layout: DevLayout, { kind, id }: Member): string {
  const controller = layout.controllers.find((each) => each.id === id);
  const broker = layout.brokers.find((each) => each.id === id);
  return kind === 'controller' ? (controller?.url ?? '') : `http://${devHost}:${broker?.port ?? ''}`;
}

/** What it is for, and the command. */
export type Step = readonly [string, string];

/** What one can try, with commands that can be copied as they stand. */
export function stepsOf(
  layout: DevLayout,
  members: readonly Member[],
  leaderId: number,
  command: string,
): readonly Step[] {
  const broker = members.find((member) => member.kind === 'broker' && member.id === 2);
  const leader = members.find((member) => member.kind === 'controller' && member.id === leaderId);
  const leaderUrl = layout.controllers.find((controller) => controller.id === leaderId)?.url ?? '';
  const isElsewhere = layout.basePort !== devBasePort;
  const whereabouts: Step = [
    'Tell the commands where it is',
    `export OTTLA_ENDPOINTS=${endpointsOfLayout(layout).join(',')}`,
  ];
  return [
    ...(isElsewhere ? [whereabouts] : []),
    ['See who leads', `${command} quorum status`],
    ['Create a topic', `${command} topic create orders --partitions 6 --replication-factor 3`],
    ['See who leads its partitions', `${command} topic describe orders`],
    ['Write a record', `echo hello | ${command} produce --topic orders`],
    ['Show all records', `${command} consume --topic orders --from-beginning`],
    [
      'Kill broker 2: it is fenced at once, and its partitions get other leaders',
      `kill -9 ${broker?.pid ?? ''}`,
    ],
    [
      `Kill controller ${leaderId}, which leads: another one leads in a moment, and nothing is lost`,
      `kill -9 ${leader?.pid ?? ''}`,
    ],
    ['Ask over HTTP', `curl ${leaderUrl}/v1/brokers`],
  ];
}

export function nextSteps(
  layout: DevLayout,
  members: readonly Member[],
  leaderId: number,
  command: string,
  terminal: Terminal,
): string {
  const steps = stepsOf(layout, members, leaderId, command);
  const lines = steps.map(([what, how]) => `  ${what}:\n    ${style(terminal, 'bold', how)}\n`);
  return `\nReady. Things to try, in another terminal:\n${lines.join('')}Ctrl-C stops all of it.\n\n`;
}

/** What one should see after a process has ended. */
export function whatToWatch(layout: DevLayout, kind: Member['kind'], id: number): readonly string[] {
  if (kind === 'broker') {
    return [
      `watch: when its session ends, at most 9 s from now, broker ${id} will be fenced, and others lead in its place`,
    ];
  }
  const others = layout.controllers.length - 1;
  return [
    `watch: while a majority of the ${others + 1} controllers runs, one of them leads and nothing is lost`,
  ];
}
