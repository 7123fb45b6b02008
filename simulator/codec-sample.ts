import { crcOf } from '../src/codec/crc.ts';
import { decodePeerMessage, encodePeerMessage } from '../src/codec/peer-message.ts';
import type { PeerMessage } from '../src/ports/transport.ts';
import { eventKinds } from '../src/testing/world/event-kinds.ts';
import { sameValue } from './same-value.ts';
import type { World } from './world.ts';
import { chanceOf } from './faults/salts.ts';

/** One delivery in so many goes through bytes. */
const sampledOneIn = 32;

/**
 * What arrives of a message: itself, or now and then its equal that went through the codec. Its bytes then
 * go into the run's digest, so that runs which differ in what they say differ in their digest, too.
 */
export function sampleThroughCodec(world: World): (message: PeerMessage) => PeerMessage {
  const chance = chanceOf(world.seed, 'codecSample');
  return (message) => {
    if (!chance.oneIn(sampledOneIn)) return message;
    const bytes = encodePeerMessage(message);
    world.trace.note(eventKinds.delivery, crcOf(bytes), bytes.length, 0);
    const decoded = decodePeerMessage(bytes);
    const type = message.message.type;
    if (!decoded.ok) return world.fail('messages survive the codec', `${type}: ${decoded.error.message}`);
    if (!sameValue(message, decoded.value)) {
      return world.fail('messages survive the codec', `${type} comes back as another message`);
    }
    return decoded.value;
  };
}
