import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkPrograms, programOf } from '../program-copy.ts';

/** What the tests need beside packages, which are found in the folders above. */
const sourceNames = ['src', 'simulator', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];

/**
 * A copy of the build and one of the sources, in a folder within the checkout, so that packages are found.
 * One mutant at a time stands in both; the checkout's own files stay as they are, and may change meanwhile.
 */
export class Copies {
  readonly #build: string;
  readonly #sources: string;
  readonly #sound: string;

  constructor(folder: string) {
    rmSync(folder, { recursive: true, force: true });
    this.#build = join(folder, 'dist');
    this.#sources = join(folder, 'sources');
    this.#sound = join(folder, 'sound');
    linkPrograms('dist', this.#build);
    for (const name of sourceNames) cpSync(name, join(this.#sources, name), { recursive: true });
    cpSync('src', join(this.#sound, 'src'), { recursive: true });
    linkPrograms(join('dist', 'src'), join(this.#sound, 'dist', 'src'));
  }

  get seedWorkerPath(): string {
    return join(this.#build, 'simulator', 'mutants', 'generic', 'seed-worker.js');
  }

  get testRoot(): string {
    return this.#sources;
  }

  /** Puts a mutated source, and the program that it was compiled to, in the place of the sound ones. */
  plant(file: string, text: string, programPath: string): void {
    writeFileSync(join(this.#sources, file), text);
    copyFileSync(programPath, this.#freePlace(file));
  }

  restore(file: string): void {
    copyFileSync(join(this.#sound, file), join(this.#sources, file));
    copyFileSync(join(this.#sound, 'dist', programOf(file)), this.#freePlace(file));
  }

  /** The link is taken away first, or the write would change the checkout's own build. */
  #freePlace(file: string): string {
    const path = join(this.#build, programOf(file));
    rmSync(path);
    return path;
  }
}
