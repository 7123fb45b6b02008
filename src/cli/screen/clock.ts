/** `14:03:59`, by this machine's clock and zone. */
export function clockText(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
