/** Time of the processor that one seed may cost, which is more than ten times what the slowest takes. */
export const seedCpuMsMax = 8_000;

/** The signal that ends a process whose seed takes longer. */
export const endlessSignal = 'SIGUSR2';
