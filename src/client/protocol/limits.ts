/** Bodies above this are refused (design, "Running"). */
export const bodyBytesMax = 1024 * 1024;

/** Values within values: deeper ones than any operation needs would only strain whoever walks over them. */
export const bodyNestingMax = 32;

/** How long a request may wait when it does not say: longer than a failover takes. */
export const requestTimeoutDefaultMs = 5_000;
export const requestTimeoutMaxMs = 60_000;
