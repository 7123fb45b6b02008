import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { reservePorts } from '../../bench/processes/ports.ts';
import { createClient, type Client } from '../../src/client/index.ts';
import type { AdministratorNotice } from '../../src/runtime/server-config.ts';
import {
  createController,
  type Controller,
  type CreateControllerOptions,
} from '../../src/server/create-controller.ts';

/** Controllers within this process, on real files and sockets, that ask who they talk to. */
export class Controllers {
  readonly directories: readonly string[];
  readonly urls: readonly string[];
  /** What each of them has said of a first administrator, in order. */
  readonly notices: (AdministratorNotice & { readonly nodeId: number })[] = [];
  readonly #ports: readonly number[];
  readonly #running = new Map<number, Controller>();

  private constructor(root: string, ports: readonly number[]) {
    this.#ports = ports;
    const count = ports.length / 2;
    this.directories = Array.from({ length: count }, (_, id) => join(root, `data-${id}`));
    this.urls = this.directories.map((_, id) => `http://127.0.0.1:${ports[2 * id]}`);
  }

  static async prepare(count: number): Promise<Controllers> {
    const root = mkdtempSync(join(tmpdir(), 'ottla-controllers-'));
    const reserved = await reservePorts(2 * count);
    const controllers = new Controllers(root, reserved.ports);
    onTestFinished(async () => {
      await controllers.stopAll();
      reserved.release();
      rmSync(root, { recursive: true, force: true });
    });
    return controllers;
  }

  async start(nodeId: number, more: Partial<CreateControllerOptions> = {}): Promise<Controller> {
    const voters = this.directories.map((_, id) => `${id}@127.0.0.1:${this.#ports[2 * id + 1]}`);
    const controller = await createController({
      nodeId,
      dataDir: this.directories[nodeId] ?? '',
      voters: voters.join(','),
      http: `127.0.0.1:${this.#ports[2 * nodeId]}`,
      logLevel: 'silent',
      onAdministrator: (notice) => this.notices.push({ ...notice, nodeId }),
      ...more,
    });
    this.#running.set(nodeId, controller);
    return controller;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.directories.map((_, id) => this.start(id)));
  }

  async stop(nodeId: number): Promise<void> {
    await this.#running.get(nodeId)?.stop();
    this.#running.delete(nodeId);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.stop(id)));
  }

  client(token: string | null, ...ids: readonly number[]): Client {
    const endpoints = ids.length === 0 ? this.urls : ids.map((id) => this.urls[id] ?? '');
    const client = createClient({ endpoints, ...(token === null ? {} : { token }) });
    onTestFinished(() => client.close());
    return client;
  }
}
