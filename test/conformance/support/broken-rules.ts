import type { RuleName } from '../../../src/conformance/rules.ts';
import type { DataFault } from './data-faults.ts';

/** The rule that each fault breaks. */
export const brokenBy: Readonly<Record<DataFault, RuleName>> = {
  'leads on when its lease is over': 'lease-looked-at',
  'counts its lease from the answer': 'lease-from-sending',
  'goes by the first session timeout': 'lease-follows-the-leader',
  'serves while it is fenced': 'fenced-at-first',
  'leads until it has registered again': 'register-again',
  'asks to be fenced while it leads': 'want-fence',
  'takes no replica that is added': 'take-assignments',
  'goes back to an older leader epoch': 'ignore-older',
  'keeps the data of a deleted topic': 'delete-with-the-topic',
  'answers fetches of any leader epoch': 'fetch-names-its-epoch',
  'answers fetches of earlier incarnations': 'fetch-names-its-epoch',
  'truncates at the high watermark': 'truncate-by-epoch',
  'believes what a follower claims to have flushed': 'flush-before-acknowledge',
  'acknowledges before followers have flushed': 'acknowledge-below',
  'shows what is not committed': 'read-below',
  'shows at once what it took over': 'epoch-start',
  'takes records below min ISR': 'min-isr',
  'names no broker epochs in proposals': 'isr-compare-and-set',
  'proposes whoever fetches': 'isr-enter',
  'counts the committed in-sync set alone': 'isr-unknown',
  'gives up a proposal that is refused': 'isr-refused',
  'does not look at sequences': 'sequence',
};
