/** What kind of thing happens; the number goes into the trace's digest. */
export const eventKinds = {
  timer: 1,
  disk: 2,
  store: 3,
  delivery: 4,
  connection: 5,
  boot: 6,
  fault: 7,
  client: 8,
  answer: 9,
} as const;
