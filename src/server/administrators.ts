import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, ok } from '../base/result.ts';
import { hashToken, isToken, makeToken } from '../client/protocol/bearer-token.ts';
import { administratorName, hasAdministrator, tokenIdOf } from '../metadata/resources/token/identity.ts';
import type { Logger } from '../ports/logger.ts';
import type { ControllerAnswer } from '../runtime/controller-api.ts';
import type { ControllerNode } from '../runtime/controller-node.ts';
import type { AdministratorNotice, RequestAdministrator } from '../runtime/server-config.ts';
import { findDirectoryFault } from './data-directory.ts';
import { isWrittenByOwner, writePrivateFile } from './private-file.ts';

/** In the data directory: the first administrator's token, until a person deletes it. */
const tokenFileName = 'administrator-token';
/** In the data directory: the hash of a token that a person on this machine has made to be let in again. */
const requestFileName = 'administrator-request';

const lookEveryMs = 1_000;
const submitTimeoutMs = 5_000;
/** The principal of what controllers do of their own accord; no token and no certificate can have it. */
const controllerPrincipal = 'controller';
/** Two leaders that both think themselves the first to lead write under one key, so that one of them is refused. */
const firstAdministratorKey = 'first-administrator';

export type AdministratorsOptions = {
  readonly node: ControllerNode;
  readonly dataDir: string;
  readonly logger: Logger;
  readonly wallMs: () => number;
  readonly onAdministrator: (notice: AdministratorNotice) => void;
};

/**
 * Makes the cluster's first administrator, and new ones for whoever may write to the data directory: being
 * able to do that is what gives the right, since it is enough to write the log itself anew.
 *
 * The first: the active leader of a cluster without any administrator writes a token of its own to a file
 * (durable, 0600), and only then its hash to the log. So whatever ends in between, there is never a token in
 * the log whose secret is nowhere; a file whose token did not get into the log is used again, or removed by
 * the next leader that finds an administrator. Followers make none, and two leaders in a row use one
 * idempotency key, so that of three controllers that start at once one gives the cluster its administrator.
 * (`docs/ARCHITECTURE.md`, "Who may ask".)
 */
export class Administrators {
  readonly #options: AdministratorsOptions;
  readonly #tokenFile: string;
  readonly #requestFile: string;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #hasFirst = false;
  #nextRequestId = 1;

  constructor(options: AdministratorsOptions) {
    this.#options = options;
    this.#tokenFile = join(options.dataDir, tokenFileName);
    this.#requestFile = join(options.dataDir, requestFileName);
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      if (!this.#hasFirst) this.#hasFirst = await this.#seeToFirst();
      await this.#seeToRequest();
    } catch (error) {
      this.#options.logger.error('administrator-not-made', { message: messageOf(error) });
    }
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#look(), lookEveryMs);
  }

  /** True when there is nothing left to do about the first administrator while this process lives. */
  async #seeToFirst(): Promise<boolean> {
    const { node, wallMs } = this.#options;
    const image = node.image();
    if (image === null) return false;
    const kept = await this.#readToken();
    if (kept !== null && this.#isKnown(kept)) {
      this.#tell(kept);
      return true;
    }
    if (!node.status().active) return false;
    if (hasAdministrator(image, wallMs())) {
      // Another leader's was first: the log holds nothing of this one.
      if (kept !== null) await rm(this.#tokenFile, { force: true });
      return true;
    }
    const token = kept ?? makeToken().token;
    if (kept === null) await writePrivateFile(this.#tokenFile, `${token}\n`);
    // What comes of it shows at the next look, in the image.
    const { result } = await this.#create(hashToken(token).toString('hex'), firstAdministratorKey);
    if (!result.ok) this.#options.logger.warn('administrator-not-made', { code: result.code });
    return false;
  }

  #isKnown(token: string): boolean {
    const row = this.#options.node.findToken?.(tokenIdOf(hashToken(token))) ?? null;
    return row !== null;
  }

  #tell(token: string): void {
    const { logger, onAdministrator } = this.#options;
    logger.warn('administrator-token-in-file', { file: this.#tokenFile });
    onAdministrator({ token, file: this.#tokenFile });
  }

  async #readToken(): Promise<string | null> {
    const text = await readIfThere(this.#tokenFile);
    const token = text?.trim() ?? '';
    return isToken(token) ? token : null;
  }

  async #seeToRequest(): Promise<void> {
    const { logger, node } = this.#options;
    const secretHash = (await readIfThere(this.#requestFile))?.trim();
    if (secretHash === undefined || node.image() === null) return;
    if (!/^[0-9a-f]{64}$/.test(secretHash) || !(await isWrittenByOwner(this.#requestFile))) {
      logger.error('administrator-request-refused', { file: this.#requestFile });
      await rm(this.#requestFile, { force: true });
      return;
    }
    const { result } = await this.#create(secretHash, null);
    // What nobody could say yet is asked again at the next look.
    if (!result.ok && result.code !== 'TOKEN_CONFLICT') return;
    await rm(this.#requestFile, { force: true });
    if (result.ok) logger.warn('administrator-made-on-request');
    else logger.error('administrator-request-refused', { message: result.message });
  }

  #create(secretHash: string, key: string | null): Promise<ControllerAnswer> {
    const requestId = this.#nextRequestId++;
    const body = { name: administratorName, role: 'administrator', secretHash };
    const request = {
      requestId,
      operationId: 'createToken',
      input: { params: {}, query: {}, body },
      principal: controllerPrincipal,
      idempotencyKey: null,
      bareIdempotencyKey: key,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs: submitTimeoutMs,
    } as const;
    return new Promise((resolve) => this.#options.node.submit([request], resolve));
  }
}

/** For `ottla token recover`: what a running controller of this directory looks for. */
export const requestAdministrator: RequestAdministrator = async (dataDir, secretHash) => {
  // Anywhere else nobody would ever look for it, and whoever has asked would wait for it in vain.
  const fault = findDirectoryFault(dataDir);
  if (fault !== null) return failed({ message: fault, isMissing: true });
  try {
    await writePrivateFile(join(dataDir, requestFileName), `${secretHash}\n`);
    return ok(null);
  } catch (error) {
    return failed({ message: `${dataDir} cannot be written to: ${messageOf(error)}` });
  }
};

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
