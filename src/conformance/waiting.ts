/** However slow a machine is, what takes longer is taken not to come. */
export const patienceMs = 20_000;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
