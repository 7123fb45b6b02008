import { assert } from './assert.ts';

/**
 * The right to change pages in place. Copy-on-write structures mark each page with the token of the
 * builder that made or copied it: a page with the builder's own token is changed in place, any other is
 * copied first. So a builder copies each page at most once, and whoever holds an earlier snapshot never
 * sees a change.
 *
 * A builder ends its token when it freezes: from then on nothing can be changed with it.
 */
export class EditToken {
  #open = true;

  get isOpen(): boolean {
    return this.#open;
  }

  end(): void {
    this.#open = false;
  }
}

export function assertOpen(token: EditToken): void {
  assert(token.isOpen, 'a frozen snapshot was about to be changed');
}
