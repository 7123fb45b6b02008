import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { style } from '../output/terminal.ts';
import { describeEnd, startChild, type DevChild } from './child-process.ts';
import { controllerArguments, brokerArguments } from './child-arguments.ts';
import type { DevLayout } from './layout.ts';
import type { ChildMessage } from './messages.ts';
import { Narrator } from './narrator.ts';
import { headline, nextSteps, whatToWatch, type Member } from './texts.ts';
import { watchCluster } from './watcher.ts';

/** How long each kind may take to leave before it is ended by force. */
const brokerGraceMs = 6_000;
const controllerGraceMs = 8_000;

/** Starts all of it, says what happens, and ends when it is told to or when nothing is left. */
export async function runDev(
  layout: DevLayout,
  dependencies: CliDependencies,
  command: string,
): Promise<void> {
  const { terminal } = dependencies;
  const say = (line: string): void => terminal.out(`${style(terminal, 'dim', clockTime())}  ${line}\n`);
  const stop = new StopRequest();
  const fleet = new Fleet(layout, dependencies, say, stop);
  stop.onSecond(() => fleet.killAll());
  try {
    terminal.out(
      `Starting three controllers and three brokers; all they keep stands in ${layout.dataDir}.\n`,
    );
    await fleet.startControllers();
    if (!stop.isAsked) await narrate(layout, fleet, stop, command, dependencies, say);
  } finally {
    if (fleet.isAnyRunning()) terminal.out('Stopping: the brokers first, then the controllers.\n');
    await fleet.stopAll();
    stop.release();
  }
  if (stop.isAsked) {
    terminal.out(`Stopped. Start it again and it goes on from ${layout.dataDir}.\n`);
    return;
  }
  throw new CliFailure('stopped', 'Every process has ended.', 'Start it again: it finds its data.');
}

async function narrate(
  layout: DevLayout,
  fleet: Fleet,
  stop: StopRequest,
  command: string,
  { terminal }: CliDependencies,
  say: (line: string) => void,
): Promise<void> {
  const brokersStarted = fleet.startBrokers();
  terminal.out(headline(layout, fleet.members(), terminal));
  const narrator = new Narrator(layout.brokers.length, say, (leaderId) => {
    terminal.out(nextSteps(layout, fleet.members(), leaderId, command, terminal));
  });
  fleet.onRegistered = (brokerId, epoch) => narrator.registered(brokerId, epoch);
  const watcher = watchCluster(layout, (view) => narrator.saw(view));
  try {
    // A broker that cannot start ends this; brokers that have started leave the rest to the other two.
    await Promise.race([stop.asked, fleet.allEnded(), brokersStarted.then(() => stop.asked)]);
  } finally {
    await watcher.stop();
  }
}

/** Ctrl-C, SIGTERM or SIGHUP: the first asks all of it to end, a second does not wait. */
class StopRequest {
  readonly asked: Promise<void>;
  isAsked = false;
  #onSecond: () => void = () => {};
  readonly #handler: () => void;
  readonly #signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

  constructor() {
    let resolveAsked: () => void = () => {};
    this.asked = new Promise((resolve) => {
      resolveAsked = resolve;
    });
    this.#handler = () => {
      if (this.isAsked) this.#onSecond();
      this.isAsked = true;
      resolveAsked();
    };
    for (const signal of this.#signals) process.on(signal, this.#handler);
  }

  onSecond(action: () => void): void {
    this.#onSecond = action;
  }

  release(): void {
    for (const signal of this.#signals) process.off(signal, this.#handler);
  }
}

/** The processes. Nothing is restarted: a person kills them in order to see what the others do. */
class Fleet {
  onRegistered: (brokerId: number, epoch: number) => void = () => {};
  readonly #layout: DevLayout;
  readonly #dependencies: CliDependencies;
  readonly #say: (line: string) => void;
  readonly #stop: StopRequest;
  readonly #controllers: (DevChild & { readonly id: number })[] = [];
  readonly #brokers: (DevChild & { readonly id: number })[] = [];

  constructor(
    layout: DevLayout,
    dependencies: CliDependencies,
    say: (line: string) => void,
    stop: StopRequest,
  ) {
    this.#layout = layout;
    this.#dependencies = dependencies;
    this.#say = say;
    this.#stop = stop;
  }

  async startControllers(): Promise<void> {
    for (const controller of this.#layout.controllers) {
      const args = controllerArguments(this.#layout, controller);
      this.#controllers.push(this.#start('controller', controller.id, args, controller.logFile));
    }
    await this.#untilStarted(this.#controllers);
  }

  async startBrokers(): Promise<void> {
    for (const broker of this.#layout.brokers) {
      const args = brokerArguments(this.#layout, broker);
      this.#brokers.push(this.#start('broker', broker.id, args, broker.logFile));
    }
    await this.#untilStarted(this.#brokers);
  }

  members(): readonly Member[] {
    const all = [
      ...this.#controllers.map((child) => ({ child, kind: 'controller' as const })),
      ...this.#brokers.map((child) => ({ child, kind: 'broker' as const })),
    ];
    return all.map(({ child, kind }) => ({ kind, id: child.id, pid: child.pid ?? 0 }));
  }

  isAnyRunning(): boolean {
    return this.#all().some((child) => child.isRunning());
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#all().map((child) => child.ended));
  }

  /** Brokers leave while there is a quorum to take their partitions from them. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#brokers.map((child) => child.stop(brokerGraceMs)));
    await Promise.all(this.#controllers.map((child) => child.stop(controllerGraceMs)));
  }

  killAll(): void {
    for (const child of this.#all()) child.kill();
  }

  #all(): readonly DevChild[] {
    return [...this.#controllers, ...this.#brokers];
  }

  #heard(kind: Member['kind'], id: number, message: ChildMessage): void {
    if (message.type === 'registered' && kind === 'broker') this.onRegistered(id, message.brokerEpoch);
    if (message.type === 'says' && !this.#stop.isAsked) this.#say(message.text);
  }

  #start(
    kind: Member['kind'],
    id: number,
    args: readonly string[],
    logFile: string,
  ): DevChild & { readonly id: number } {
    const child = startChild({
      name: `${kind} ${id}`,
      entryFile: this.#dependencies.entryFile,
      args,
      logFile,
      onMessage: (message) => this.#heard(kind, id, message),
    });
    void child.ended.then((end) => {
      if (this.#stop.isAsked) return;
      this.#say(`${child.name} (pid ${child.pid ?? 'none'}) ended ${describeEnd(end)}`);
      for (const line of whatToWatch(this.#layout, kind, id)) this.#say(`  ${line}`);
    });
    return { ...child, id };
  }

  /** The first that cannot start ends the start; its own words say why. */
  async #untilStarted(children: readonly DevChild[]): Promise<void> {
    const words = await Promise.all(
      children.map(async (child) => ({ child, word: await Promise.race([child.started, this.#stop.asked]) })),
    );
    if (this.#stop.isAsked) return;
    for (const { child, word } of words) {
      if (word === undefined || word.type !== 'failed') continue;
      throw new CliFailure(
        'cannotStart',
        `${child.name} did not start: ${word.message}`,
        `Its log is in ${this.#layout.dataDir}.`,
      );
    }
  }
}

function clockTime(): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, '0');
  const ms = String(now.getMilliseconds()).padStart(3, '0');
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${ms}`;
}
