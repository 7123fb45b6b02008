import { nodeId, offset } from '../../../src/base/brands.ts';
import type { SpaceStatus } from '../../../src/raft/messages.ts';
import { Cluster, type Envelope } from './cluster.ts';
import { describeBatches, describeEffect, describeHost, describeMessage } from './describe.ts';
import { testConfig, voterOf } from './host.ts';

/**
 * A transcript is blocks of commands, `----` and what they bring about. Lines that begin with `#` explain.
 *
 * Commands (nodes are numbers)
 *   nodes 1 2 3 [observers 4 5] [seed 7]   make and start a cluster
 *   tick MS [nodes]      time passes, and then only these nodes (or all) notice
 *   deliver [N] [A>B]    deliver until quiet, or N messages, or only those from A to B; `quietly` hides them
 *   drop [A>B]           lose what is under way
 *   cut A>B | isolate N | heal
 *   elect N              let N win by its timeouts, quietly
 *   run MS               time passes with all messages delivered, quietly
 *   propose N text…      one proposal of these records;  read N;  resign N reason [successor]
 *   voters N ids…        ask leader N for this voter set
 *   hold N | flush N | release N    disks: complete nothing, complete what waits, complete at once again
 *   crash N | start N [recovering E] | wipe N       `recovering E`: its log was found corrupt from E on
 *   close N P [refused]  N's connection with P closes;  space N low|enough;  snapshot N
 *   state [nodes] | log N
 */
export function replay(text: string): string {
  const player = new Player();
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => player.play(block)).join('\n\n')}\n`;
}

class Player {
  #cluster = new Cluster({ voters: [] });
  #lines: string[] = [];
  #isQuiet = false;
  #nextId = 1;

  play(block: string): string {
    const head: string[] = [];
    for (const line of block.split('\n')) {
      if (line === '----') break;
      head.push(line);
    }
    this.#lines = [];
    const commands = head.filter((line) => !line.startsWith('#') && line !== '');
    for (const command of commands) this.#run(command.split(/\s+/));
    if (commands.length === 0) return head.join('\n');
    return [...head, '----', ...(this.#lines.length === 0 ? ['ok'] : this.#lines)].join('\n');
  }

  #run(words: readonly string[]): void {
    const [name = '', ...rest] = words;
    const numbers = rest.map(Number);
    const [first = 0, second = 0] = numbers;
    const cluster = this.#cluster;
    switch (name) {
      case 'nodes':
        return this.#makeCluster(rest);
      case 'tick':
        return cluster.tick(first, numbers.length > 1 ? numbers.slice(1) : undefined);
      case 'deliver':
        return this.#deliver(rest);
      case 'drop':
        cluster.queue = cluster.queue.filter((envelope) => !matches(envelope, rest[0]));
        return;
      case 'cut': {
        const [from = 0, to = 0] = (rest[0] ?? '').split('>').map(Number);
        return cluster.cut(from, to);
      }
      case 'isolate':
        return cluster.isolate(first);
      case 'heal':
        return cluster.heal();
      case 'elect':
        return this.#quietly(() => cluster.elect(first));
      case 'run':
        return this.#quietly(() => cluster.run(first));
      case 'propose':
        return cluster.propose(first, this.#takeId(), rest.slice(1));
      case 'read':
        return cluster.input(first, { type: 'readBarrierRequested', barrierId: this.#takeId() });
      case 'resign':
        return this.#resign(first, rest[1] ?? 'shutdown', rest[2]);
      case 'voters':
        return cluster.input(first, {
          type: 'voterChangeRequested',
          requestId: this.#takeId(),
          voters: numbers.slice(1).map((id) => voterOf(id)),
        });
      case 'close':
        return cluster.input(first, {
          type: 'connectionClosed',
          peer: nodeId(second),
          refused: rest[2] === 'refused',
        });
      default:
        return this.#runOnNode(name, first, rest);
    }
  }

  #runOnNode(name: string, id: number, rest: readonly string[]): void {
    const cluster = this.#cluster;
    switch (name) {
      case 'hold':
        return cluster.holdIo(id, true);
      case 'flush':
        return cluster.completeIo(id);
      case 'release':
        return cluster.holdIo(id, false);
      case 'crash':
        return cluster.crash(id);
      case 'wipe':
        return cluster.wipe(id);
      case 'start':
        return this.#start(id, rest[1] === 'recovering' ? Number(rest[2]) : null);
      case 'space':
        return cluster.input(id, { type: 'storageStatusChanged', space: spaceOf(rest[1]) });
      case 'snapshot':
        this.#say(`${id}: snapshot ${cluster.host(id).takeSnapshot(cluster.nowMs).id.endOffset}`);
        return;
      case 'state':
        return this.#state(rest.map(Number));
      case 'log':
        this.#say(describeBatches(cluster.host(id).log.batches));
        return;
      default:
        throw new Error(`no such command: ${name}`);
    }
  }

  #makeCluster(words: readonly string[]): void {
    const lists: Record<string, number[]> = { voters: [], observers: [], seed: [] };
    let list = 'voters';
    for (const word of words) {
      if (word in lists) list = word;
      else lists[list]?.push(Number(word));
    }
    this.#cluster = new Cluster({
      voters: lists['voters'] ?? [],
      observers: lists['observers'] ?? [],
      seed: lists['seed']?.[0] ?? 1,
      config: testConfig,
      onEffect: (node, effect) => {
        const text = describeEffect(effect);
        if (text !== null) this.#say(`${node}: ${text}`);
      },
    });
    this.#quietly(() => this.#cluster.startAll());
    this.#cluster.queue = [];
  }

  #deliver(words: readonly string[]): void {
    const quietly = words.includes('quietly');
    const pair = words.find((word) => word.includes('>'));
    const count = words.map(Number).find((word) => Number.isInteger(word)) ?? 1000;
    const work = (): void => {
      for (let left = count; left > 0; left--) {
        const at = this.#cluster.queue.findIndex((envelope) => matches(envelope, pair));
        const envelope = this.#cluster.queue[at];
        if (envelope === undefined) return;
        this.#cluster.queue.splice(at, 1);
        this.#say(`${envelope.from}>${envelope.to} ${describeMessage(envelope.message)}`);
        this.#cluster.deliver(envelope);
      }
    };
    if (quietly) this.#quietly(work);
    else work();
  }

  #resign(id: number, reason: string, successor: string | undefined): void {
    if (reason !== 'shutdown' && reason !== 'transfer' && reason !== 'lowOnSpace') {
      throw new Error(`no such reason: ${reason}`);
    }
    const preferredSuccessor = successor === undefined ? null : nodeId(Number(successor));
    this.#cluster.input(id, { type: 'resignRequested', reason, preferredSuccessor });
  }

  #start(id: number, corruptFrom: number | null): void {
    this.#cluster.start(id, (disk) => {
      if (corruptFrom === null) return;
      disk.log.truncate(offset(corruptFrom));
      disk.quorumState = { ...disk.quorumState, recovering: true };
    });
  }

  #state(ids: readonly number[]): void {
    for (const [id, node] of this.#cluster.nodes) {
      if (ids.length > 0 && !ids.includes(id)) continue;
      this.#say(node.host === null ? `${id}: down` : describeHost(node.host));
    }
  }

  #takeId(): number {
    return this.#nextId++;
  }

  #say(line: string): void {
    if (!this.#isQuiet) this.#lines.push(line);
  }

  #quietly(work: () => void): void {
    this.#isQuiet = true;
    work();
    this.#isQuiet = false;
  }
}

function spaceOf(word: string | undefined): SpaceStatus {
  if (word === 'enough' || word === 'low' || word === 'exhausted') return word;
  throw new Error(`a disk has no space ${word}`);
}

function matches(envelope: Envelope, pair: string | undefined): boolean {
  if (pair === undefined) return true;
  const [from, to] = pair.split('>');
  return (from === '*' || Number(from) === envelope.from) && (to === '*' || Number(to) === envelope.to);
}
