/**
 * The rules of docs/BROKERS.md, in its order. A test compares the two, so that no rule is without its line here, and
 * so with what the kit says of it.
 */
export type Rule = {
  readonly name: RuleName;
  /** What data is lost without, or what makes a cluster slow or noisy without; the strictest word of the rule. */
  readonly level: 'must' | 'should';
  /** Why nobody can see from outside whether it is kept; absent where the kit looks at it. */
  readonly unseen?: string;
};

const needsData = 'It shows in what a broker does with records, which this kit does not look at.';

const levels = {
  'register-once': ['must'],
  'register-own-cluster': ['must'],
  'register-wait': ['must'],
  'register-again': ['must'],
  'fenced-at-first': ['must', needsData],
  'want-fence': ['must', needsData],
  'caught-up': ['must'],
  'any-controller': ['should'],
  'lease-from-sending': ['must', needsData],
  'lease-follows-the-leader': ['must', needsData],
  'lease-looked-at': ['must', needsData],
  'lease-unknown': ['should'],
  'heartbeat-pace': ['should'],
  suspend: [
    'must',
    'A kit cannot let a machine sleep; what a leader acknowledges is looked at as acknowledge-below.',
  ],
  'watch-in-order': ['must'],
  'ignore-older': ['must', needsData],
  'delete-with-the-topic': ['must', needsData],
  'unknown-records': ['must'],
  'fetch-names-its-epoch': ['must', needsData],
  'truncate-by-epoch': ['must', needsData],
  'flush-before-acknowledge': ['must', needsData],
  'acknowledge-below': ['must', needsData],
  'epoch-start': ['must', needsData],
  'min-isr': ['must', needsData],
  'isr-compare-and-set': ['must', needsData],
  'isr-enter': ['must', needsData],
  'isr-leave': ['should', needsData],
  'isr-unknown': ['must', needsData],
  'isr-refused': ['should', needsData],
  'leave-on-leave': ['should'],
  'leave-for-good': [
    'should',
    'A broker that keeps leave-on-leave has stopped before anybody could see whether it comes back.',
  ],
  'leave-limit': ['should', 'The time is the broker’s own, and nobody outside knows how long it is.'],
  'producer-ids': ['must', 'Which ids a broker has given away, and which it has kept, is known to it alone.'],
  sequence: ['must', needsData],
} as const satisfies Readonly<Record<string, readonly ['must' | 'should', string?]>>;

export type RuleName = keyof typeof levels;

export const rules: readonly Rule[] = Object.entries(levels).map(([name, [level, unseen]]) => ({
  // The keys of the table, which `Object.entries` gives as texts.
  name: name as RuleName,
  level,
  ...(unseen === undefined ? {} : { unseen }),
}));

export function isRuleName(name: string): name is RuleName {
  return Object.hasOwn(levels, name);
}
