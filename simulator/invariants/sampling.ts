/**
 * Tells which of many occurrences are looked at closely: often at first and then ever more rarely, because
 * a close look reads a whole disk, and disks grow as a run goes on.
 */
export function sampling(): () => boolean {
  let count = 0;
  let next = 0;
  return () => {
    count++;
    if (count <= next) return false;
    next = count + 64 + (count >>> 1);
    return true;
  };
}
