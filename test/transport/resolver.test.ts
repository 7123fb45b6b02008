import { expect, test } from 'vitest';
import { AddressResolver } from '../../src/transport/resolver.ts';
import { ManualClock } from './support/manual-clock.ts';

type Complete = (addresses: readonly string[]) => void;

function resolverOf(clock = new ManualClock()) {
  const asked: { readonly host: string; readonly complete: Complete }[] = [];
  const lookUp = (host: string, complete: Complete): void => void asked.push({ host, complete });
  return { clock, asked, resolver: new AddressResolver(lookUp, clock, 1_000) };
}

function answersOf(resolver: AddressResolver, host: string) {
  const answers: (readonly string[])[] = [];
  const cancel = resolver.resolve(host, (addresses) => answers.push(addresses));
  return { answers, cancel };
}

test.each([
  ['127.0.0.1', ['127.0.0.1']],
  ['::1', ['::1']],
  ['localhost', ['127.0.0.1', '::1']],
  ['LOCALHOST', ['127.0.0.1', '::1']],
])('%s takes no lookup', (host, addresses) => {
  const { asked, resolver } = resolverOf();
  expect(answersOf(resolver, host).answers).toEqual([addresses]);
  expect(asked).toEqual([]);
});

test('one lookup at most is under way, and one answers all who asked for that host', () => {
  const { asked, resolver } = resolverOf();
  const first = answersOf(resolver, 'a.example');
  const other = answersOf(resolver, 'b.example');
  const second = answersOf(resolver, 'a.example');
  expect(asked.map(({ host }) => host)).toEqual(['a.example']);
  asked[0]?.complete(['10.0.0.1']);
  expect([first.answers, second.answers, other.answers]).toEqual([[['10.0.0.1']], [['10.0.0.1']], []]);
  expect(asked.map(({ host }) => host)).toEqual(['a.example', 'b.example']);
  asked[1]?.complete([]);
  expect(other.answers).toEqual([[]]);
});

test('a fresh answer is preferred, and the last good one stands in for one that fails or is late', () => {
  const { clock, asked, resolver } = resolverOf();
  answersOf(resolver, 'a.example');
  asked[0]?.complete(['10.0.0.1']);
  const moved = answersOf(resolver, 'a.example');
  asked[1]?.complete(['10.0.0.2']);
  expect(moved.answers).toEqual([['10.0.0.2']]);
  const failing = answersOf(resolver, 'a.example');
  asked[2]?.complete([]);
  expect(failing.answers).toEqual([['10.0.0.2']]);
  const late = answersOf(resolver, 'a.example');
  clock.advance(1_000);
  expect(late.answers).toEqual([['10.0.0.2']]);
  asked[3]?.complete(['10.0.0.3']);
  expect(late.answers.length).toBe(1);
});

test('a host that a hung lookup keeps waiting is answered by the time limit, with none if none is known', () => {
  const { clock, asked, resolver } = resolverOf();
  answersOf(resolver, 'hung.example');
  const waiting = answersOf(resolver, 'b.example');
  clock.advance(1_000);
  expect(waiting.answers).toEqual([[]]);
  expect(asked.length).toBe(1);
});

test('who has cancelled hears nothing, and holds nobody up', () => {
  const { asked, resolver } = resolverOf();
  const first = answersOf(resolver, 'a.example');
  const cancelled = answersOf(resolver, 'b.example');
  const third = answersOf(resolver, 'c.example');
  first.cancel();
  cancelled.cancel();
  asked[0]?.complete(['10.0.0.1']);
  asked[1]?.complete(['10.0.0.3']);
  expect([first.answers, cancelled.answers, third.answers]).toEqual([[], [], [['10.0.0.3']]]);
  expect(asked.map(({ host }) => host)).toEqual(['a.example', 'c.example']);
});
