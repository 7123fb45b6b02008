/**
 * Planted bugs that no search has found yet, by their places, each with what was tried and what seems to be
 * missing. They are targets: the generator or the checkers are too narrow for them. A hunt without names leaves
 * them out; one that is hunted by name and caught leaves this list.
 */
export const escaping: Readonly<Record<string, string>> = {
  'brokers/truncates-at-the-leaders-word-alone':
    'A relay in 43 finds it; none in the first 61 seeds of the three searches, which are not through.',
  'configs/removed-config-stays':
    'Its checker finds it by hand; none of 8 seeds of operators does, in which few configs are deleted.',
  'configs/topic-leaves-its-configs':
    'Its checker finds it by hand; none of 8 seeds of operators does, in which few topics have configs.',
  'configs/validated-change-is-made': 'Three of 8 seeds of operators find it; it was not hunted yet.',
  'controller/stale-broker-epoch-enters-isr':
    'Two searches of flutter find it, after 3 and 21 seeds; the third is not through after 19.',
  'election/first-successor-waits-after-a-refusal':
    'One of 12 seeds of voter changes finds it; it was not hunted yet.',
  'groups/leaving-member-is-elected':
    'The fourth seed of groups that was tried finds it; it was not hunted yet.',
  'snapshot/holds-an-uncommitted-voter-set':
    'Seeds 1001360 and 3002019 of voter changes find it; the third search is not through after 2,558.',
  'tokens/one-name-two-principals': 'One of 6 seeds of operators finds it; it was not hunted yet.',
  'tokens/revoked-token-stays': 'Two of 8 seeds of operators find it; it was not hunted yet.',
  'watch/filter-gives-whole-batches': 'One of 8 seeds of watchers finds it; it was not hunted yet.',
  'watch/hash-of-a-token-is-shown': 'Two of 8 seeds of watchers find it; it was not hunted yet.',
  'watch/resume-skips-what-is-not-in-memory': 'Two of 8 seeds of watchers find it; it was not hunted yet.',
};
