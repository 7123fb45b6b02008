import { isNodeId, isOffset, type NodeId, type Offset } from '../../base/brands.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { RegisteredOperation } from '../../metadata/operations.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { ControllerRequest } from '../controller-api.ts';
import type { Reply } from '../leader/operation-queue.ts';
import { runtimeLimits } from '../limits.ts';

/**
 * Every page of one listing comes from one offset (surface: "Listing"). An image is a pointer (design 12), so
 * a node keeps those of the listings under way, and the token of the next page names the image by its
 * offset: the state at an offset is the same on every node that has it.
 *
 * A token is `<offset>:<node>:<place>`: the offset that the listing shows, the node that keeps it, and where
 * in the listing the next page begins, in the operation's own words.
 */
export type PageToken = { readonly offset: Offset; readonly nodeId: NodeId; readonly place: string };

/** A listing is what has pages: its query takes the token of the page before. */
export function isListing({ query }: RegisteredOperation): boolean {
  const { properties }: { readonly properties?: object } = query;
  return properties !== undefined && 'continue' in properties;
}

const tokenPattern = /^(0|[1-9]\d{0,15}):(0|[1-9]\d{0,9}):(.*)$/s;

/** The page that is asked for: `first`, one after another, or null when the token is none of ours. */
export function readPageToken(request: ControllerRequest): PageToken | 'first' | null {
  const { continue: text } = queryOf(request);
  if (text === undefined) return 'first';
  const [, offset, nodeId, place] = (typeof text === 'string' ? tokenPattern.exec(text) : null) ?? [];
  const token = { offset: Number(offset), nodeId: Number(nodeId), place: place ?? '' };
  if (!isOffset(token.offset) || !isNodeId(token.nodeId)) return null;
  return { offset: token.offset, nodeId: token.nodeId, place: token.place };
}

/** The request as the operation itself understands it. */
export function requestOfPage(request: ControllerRequest, place: string): ControllerRequest {
  return { ...request, input: { ...request.input, query: { ...queryOf(request), continue: place } } };
}

function queryOf({ input }: ControllerRequest): Readonly<Record<string, unknown>> {
  const { query } = input;
  return typeof query === 'object' && query !== null ? { ...query } : {};
}

/** Gives the answer on; where it has a next page, `keep` makes the token for it. */
export function pagingReply(reply: Reply, keep: (place: string) => string): Reply {
  return {
    get isSettled() {
      return reply.isSettled;
    },
    expose: () => reply.expose(),
    fail: (...refusal) => reply.fail(...refusal),
    succeed: (response, offset, modifiedOffset) => {
      const place = placeOf(response);
      const paged = place === null ? response : { ...Object(response), continue: keep(place) };
      reply.succeed(paged, offset, modifiedOffset);
    },
  };
}

function placeOf(response: unknown): string | null {
  if (typeof response !== 'object' || response === null || !('continue' in response)) return null;
  return typeof response.continue === 'string' ? response.continue : null;
}

/**
 * The images of listings under way on one node, by offset, those used last at the end.
 *
 * Invariants
 * 1. There are at most `listingImagesMax`, and none is kept for longer than `listingImageIdleMs` after its
 *    last use: what changes meanwhile costs memory as long as an image from before is kept.
 * 2. While there is any, a timer runs.
 */
export class ListingImages {
  readonly #clock: Clock;
  readonly #kept = new Map<Offset, { readonly image: MetadataImage; readonly usedMs: number }>();
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  keep(image: MetadataImage): void {
    const { endOffset } = image;
    this.#kept.delete(endOffset);
    this.#kept.set(endOffset, { image, usedMs: this.#clock.monotonicMs() });
    if (this.#kept.size > runtimeLimits.listingImagesMax) this.#forgetOldest();
    this.#timer ??= this.#clock.setTimer(runtimeLimits.listingImageIdleMs, () => this.#forgetIdle());
  }

  find(offset: Offset): MetadataImage | null {
    return this.#kept.get(offset)?.image ?? null;
  }

  close(): void {
    this.#timer?.cancel();
    this.#kept.clear();
  }

  #forgetOldest(): void {
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  #forgetIdle(): void {
    this.#timer = null;
    const nowMs = this.#clock.monotonicMs();
    for (const [offset, { usedMs }] of this.#kept) {
      const leftMs = usedMs + runtimeLimits.listingImageIdleMs - nowMs;
      if (leftMs > 0) {
        this.#timer = this.#clock.setTimer(leftMs, () => this.#forgetIdle());
        return;
      }
      this.#kept.delete(offset);
    }
  }
}
