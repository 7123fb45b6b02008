/** What a broker that is broken on purpose does wrong with records. */
export const dataFaults = [
  'leads on when its lease is over',
  'counts its lease from the answer',
  'goes by the first session timeout',
  'serves while it is fenced',
  'leads until it has registered again',
  'asks to be fenced while it leads',
  'takes no replica that is added',
  'goes back to an older leader epoch',
  'keeps the data of a deleted topic',
  'answers fetches of any leader epoch',
  'answers fetches of earlier incarnations',
  'truncates at the high watermark',
  'believes what a follower claims to have flushed',
  'acknowledges before followers have flushed',
  'shows what is not committed',
  'shows at once what it took over',
  'takes records below min ISR',
  'names no broker epochs in proposals',
  'proposes whoever fetches',
  'counts the committed in-sync set alone',
  'gives up a proposal that is refused',
  'does not look at sequences',
] as const;

export type DataFault = (typeof dataFaults)[number];
export type HasFault = (fault: DataFault) => boolean;
