import { assert, violated } from './assert.ts';
import { assertOpen, type EditToken } from './edit-token.ts';

/**
 * A persistent array of pages in two levels: a root of directories of 128 pages each. A snapshot is the
 * root; changing one page copies the root, one directory and the page, each at most once per token.
 *
 * Invariants
 * 1. A page, directory or root is changed in place only under the token that made it.
 * 2. `pageCount` is one above the highest index ever set; a removed page reads as null.
 */
export type PageOwner = { readonly owner: EditToken | null };

const directorySize = 128;

type Directory<Page> = { readonly owner: EditToken | null; readonly pages: (Page | null)[] };
type Root<Page> = { readonly owner: EditToken | null; readonly directories: Directory<Page>[] };

export class PageDirectory<Page extends PageOwner> {
  #root: Root<Page>;
  #pageCount: number;

  private constructor(root: Root<Page>, pageCount: number) {
    this.#root = root;
    this.#pageCount = pageCount;
  }

  static empty<Page extends PageOwner>(): PageDirectory<Page> {
    return new PageDirectory<Page>({ owner: null, directories: [] }, 0);
  }

  get pageCount(): number {
    return this.#pageCount;
  }

  get(index: number): Page | null {
    const directory = this.#root.directories[index >>> 7];
    return directory?.pages[index & (directorySize - 1)] ?? null;
  }

  /** O(1): shares everything with this one; changes to the copy need a token of their own. */
  fork(): PageDirectory<Page> {
    return new PageDirectory(this.#root, this.#pageCount);
  }

  set(index: number, page: Page | null, token: EditToken): void {
    assertOpen(token);
    if (index < 0 || (index | 0) !== index) violated(`bad page index ${index}`);
    const directory = this.#ownedDirectory(index >>> 7, token);
    const at = index & (directorySize - 1);
    while (directory.pages.length <= at) directory.pages.push(null);
    directory.pages[at] = page;
    this.#pageCount = Math.max(this.#pageCount, index + 1);
  }

  #ownedDirectory(at: number, token: EditToken): Directory<Page> {
    if (this.#root.owner !== token) {
      this.#root = { owner: token, directories: this.#root.directories.slice() };
    }
    const { directories } = this.#root;
    while (directories.length <= at) directories.push({ owner: token, pages: [] });
    const directory = directories[at];
    assert(directory !== undefined, 'the directory was made above');
    if (directory.owner === token) return directory;
    const copy = { owner: token, pages: directory.pages.slice() };
    directories[at] = copy;
    return copy;
  }
}
