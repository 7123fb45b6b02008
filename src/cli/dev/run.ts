import type { CliDependencies } from '../context.ts';
import { CliFailure } from '../failures.ts';
import { describeEnd, startChild, type DevChild } from './child-process.ts';
import { controllerArguments, brokerArguments } from './child-arguments.ts';
import { type DevDisplay, lineDisplay, screenDisplay } from './display.ts';
import type { DevLayout } from './layout.ts';
import type { ChildMessage } from './messages.ts';
import { Narrator } from './narrator.ts';
import { whatToWatch, type Member } from './texts.ts';
import { watchCluster } from './watcher.ts';

/** How long each kind may take to leave before it is ended by force. */
const brokerGraceMs = 6_000;
const controllerGraceMs = 8_000;

/** Starts all of it, shows what happens, and ends when it is told to or when nothing is left. */
export async function runDev(
  layout: DevLayout,
  dependencies: CliDependencies,
  command: string,
): Promise<void> {
  const { terminal, screen } = dependencies;
  const stop = new StopRequest();
  const fleet = new Fleet(layout, dependencies, stop);
  stop.onSecond(() => fleet.killAll());
  const options = { layout, members: () => fleet.members(), command, onQuit: () => stop.ask() };
  const display =
    screen === null ? lineDisplay(options, dependencies) : screenDisplay(options, screen, dependencies);
  fleet.onNews = (line) => display.say(line);
  try {
    display.announce(
      `Starting three controllers and three brokers; all they keep stands in ${layout.dataDir}.`,
    );
    await fleet.startControllers();
    if (!stop.isAsked) await narrate(layout, fleet, stop, display);
  } finally {
    if (fleet.isAnyRunning()) display.announce('Stopping: the brokers first, then the controllers.');
    await fleet.stopAll();
    stop.release();
    display.close();
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
  display: DevDisplay,
): Promise<void> {
  const brokersStarted = fleet.startBrokers();
  display.started();
  const narrator = new Narrator(
    layout.brokers.length,
    (line) => display.say(line),
    (leaderId) => display.ready(leaderId),
  );
  fleet.onRegistered = (brokerId, epoch) => narrator.registered(brokerId, epoch);
  const watcher = watchCluster(layout, (view) => {
    narrator.saw(view);
    display.saw(view);
  });
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

  /** By a key, as by a signal. */
  ask(): void {
    this.#handler();
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
  /** Something that a person would want to see. */
  onNews: (line: string) => void = () => {};
  readonly #stop: StopRequest;
  readonly #controllers: (DevChild & { readonly id: number })[] = [];
  readonly #brokers: (DevChild & { readonly id: number })[] = [];

  constructor(layout: DevLayout, dependencies: CliDependencies, stop: StopRequest) {
    this.#layout = layout;
    this.#dependencies = dependencies;
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
    return all.map(({ child, kind }) => ({
      kind,
      id: child.id,
      pid: child.pid ?? 0,
      isRunning: child.isRunning(),
    }));
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
    if (message.type === 'says' && !this.#stop.isAsked) this.onNews(message.text);
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
      this.onNews(`${child.name} (pid ${child.pid ?? 'none'}) ended ${describeEnd(end)}`);
      for (const line of whatToWatch(this.#layout, kind, id)) this.onNews(`  ${line}`);
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
