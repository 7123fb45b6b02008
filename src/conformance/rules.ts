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

const levels = {
  'register-once': ['must'],
  'register-own-cluster': ['must'],
  'register-wait': ['must'],
  'quick-restart': [
    'must',
    'Brokers that wait are as sound; and no kit knows what another process’s lock tells.',
  ],
  'register-again': ['must'],
  'fenced-at-first': ['must'],
  'want-fence': ['must'],
  'caught-up': ['must'],
  'any-controller': ['should'],
  'lead-as-yourself': [
    'must',
    'Metadata of before the registration reaches a broker by chance; what it may do then is looked at as ignore-older.',
  ],
  'lease-from-sending': ['must'],
  'lease-follows-the-leader': ['must'],
  'lease-looked-at': ['must'],
  'lease-unknown': ['should'],
  'heartbeat-pace': ['should'],
  'probe-port': [
    'must',
    'Brokers without one are as sound, only slower to be replaced: the kit demands none.',
  ],
  suspend: [
    'must',
    'A kit cannot let a machine sleep; what a leader acknowledges is looked at as acknowledge-below.',
  ],
  'directory-id': ['must', 'The kit cannot take a disk out of a machine.'],
  'assign-directories': [
    'must',
    'Brokers of one directory have nothing to say, and the kit does not know how many one has.',
  ],
  'directory-offline': ['must', 'The kit cannot make a directory fail.'],
  'directory-vouch': ['must', 'What a broker holds is looked at as flush-before-acknowledge.'],
  'watch-in-order': ['must'],
  'take-assignments': ['must'],
  'ignore-older': ['must'],
  'delete-with-the-topic': ['must'],
  'unknown-records': ['must'],
  'fetch-names-its-epoch': ['must'],
  'truncate-by-epoch': ['must'],
  'log-start': [
    'must',
    'A broker need not have retention, and the kit does not wait for it; its own log begins at 0.',
  ],
  'flush-before-acknowledge': ['must'],
  'acknowledge-below': ['must'],
  'read-below': ['must'],
  'epoch-start': ['must'],
  'min-isr': ['must'],
  'isr-compare-and-set': ['must'],
  'isr-enter': ['must'],
  'isr-leave': [
    'should',
    'The time is replica.lag.time.max.ms of the broker’s own, and nobody outside knows how long it is.',
  ],
  'isr-unknown': ['must'],
  'isr-refused': ['should'],
  'leave-on-leave': ['should'],
  'leave-for-good': [
    'should',
    'A broker that keeps leave-on-leave has stopped before anybody could see whether it comes back.',
  ],
  'leave-limit': ['should', 'The time is the broker’s own, and nobody outside knows how long it is.'],
  'producer-ids': ['must', 'Which ids a broker has given away, and which it has kept, is known to it alone.'],
  sequence: ['must'],
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
