import { stat } from 'node:fs/promises';
import { failed, ok, type Result } from '../base/result.ts';
import type { HttpServer } from '../http/index.ts';
import type { Logger } from '../ports/logger.ts';
import type { ServerTls } from '../runtime/server-config.ts';
import { readTls } from './tls-files.ts';

export type CertificatesOptions = {
  readonly tls: ServerTls;
  /** Whether clients' certificates are asked for because some of them have roles. */
  readonly hasCertificateRoles: boolean;
  readonly http: Pick<HttpServer, 'replaceTls'>;
  readonly peers: PeerCertificates;
  readonly logger: Logger;
  readonly pollMs: number;
};

/** What of the peers' transport concerns certificates: it reads the same files by itself. */
export type PeerCertificates = {
  reloadCertificates(complete: (result: Result<null, { readonly message: string }>) => void): void;
};

export type ReloadFailure = { readonly message: string };

/**
 * Takes in new certificates, keys and authorities while the server runs: on request, and when their files have
 * changed. New connections use the new ones; those that are there go on as they began.
 *
 * Files are looked at and not watched: they are often replaced through links, and on file systems that tell
 * of nothing. Whatever of them cannot be used, and be it only because the second of two files is not there
 * yet, changes nothing: the old ones stay, the log says so, and the next change is the next attempt.
 */
export class Certificates {
  readonly #options: CertificatesOptions;
  #seen: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #running: Promise<Result<null, ReloadFailure>> = Promise.resolve(ok(null));

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** Begins to look; what the files are now is what the server has started with. */
  async start(): Promise<void> {
    this.#seen = await this.#look();
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** One after the other: the last to be asked for has read the files last. */
  reload(): Promise<Result<null, ReloadFailure>> {
    this.#running = this.#running.then(() => this.#replace());
    return this.#running;
  }

  #plan(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#poll(), this.#options.pollMs);
    // Nobody waits for it: a process that has nothing else to do may end.
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    const now = await this.#look();
    if (now !== this.#seen && !this.#isStopped) {
      this.#seen = now;
      await this.reload();
    }
    this.#plan();
  }

  async #replace(): Promise<Result<null, ReloadFailure>> {
    const { tls, hasCertificateRoles, http, peers, logger } = this.#options;
    const material = await readTls(tls, hasCertificateRoles);
    const replaced = material.ok
      ? await new Promise<Result<null, ReloadFailure>>((resolve) => peers.reloadCertificates(resolve))
      : material;
    const served =
      replaced.ok && material.ok && material.value !== null ? http.replaceTls(material.value) : replaced;
    if (served.ok) {
      logger.info('certificates-reloaded');
      return ok(null);
    }
    const { message } = served.error;
    logger.error('certificates-not-reloaded', { message });
    return failed({ message });
  }

  /** Which files stand there: names, sizes and times, of what links point to. */
  async #look(): Promise<string> {
    const { certificateFile, keyFile, authorityFile } = this.#options.tls;
    const files = [certificateFile, keyFile, ...(authorityFile === null ? [] : [authorityFile])];
    return (await Promise.all(files.map(fingerprint))).join(' ');
  }
}

async function fingerprint(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return 'missing';
  }
}
