import { TypeRegistry } from '@polkadot/types/cjs/index';
import { u8aToHex } from '@polkadot/util/cjs/index';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#src/devchain/hex.ts';
import {
  decode,
  encode,
  type Scale,
  struct,
  tuple,
  type ValueOf,
  vec,
  zero,
} from '#src/devchain/scale.ts';
import {
  bool,
  bytes,
  compact,
  fixedBytes,
  text,
  u8,
  u16,
  u32,
  u64,
  u128,
} from '#src/devchain/scale-basic.ts';
import { option, unit, variant, words } from '#src/devchain/scale-variant.ts';
import { account } from '#src/devchain/types.ts';
import { hotkey } from '../support/dev-subnet.ts';

const registry = new TypeRegistry();
const big = (bits: bigint) => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
const hexOf = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((raw) => Buffer.from(raw).toString('hex'));

describe('a value comes back from its bytes, and polkadot.js writes the same ones', () => {
  const expectSame = <T>(scale: Scale<T>, type: string, values: fc.Arbitrary<T>, given = plain) => {
    fc.assert(
      fc.property(values, (value) => {
        const written = encode(scale, value);
        expect(decode(scale, written)).toEqual(value);
        expect(u8aToHex(registry.createTypeUnsafe(type, [given(value)]).toU8a())).toBe(
          u8aToHex(written),
        );
      }),
    );
  };
  const plain = (value: unknown): unknown => value;
  const prefixed = (value: unknown): unknown => `0x${String(value)}`;

  test('numbers', () => {
    expectSame(u8, 'u8', fc.nat(255));
    expectSame(u16, 'u16', fc.nat(65_535));
    expectSame(u32, 'u32', fc.integer({ min: 0, max: 4_294_967_295 }));
    expectSame(u64, 'u64', big(64n));
    expectSame(u128, 'u128', big(128n));
    expectSame(bool, 'bool', fc.boolean());
  });

  test('compact numbers, of every length', () => {
    expectSame(compact(u32), 'Compact<u32>', fc.integer({ min: 0, max: 4_294_967_295 }));
    for (const bits of [6n, 14n, 30n, 32n, 48n, 64n])
      expectSame(compact(u64), 'Compact<u64>', big(bits));
    expectSame(compact(u128), 'Compact<u128>', big(128n));
  });

  test('texts, bytes and accounts', () => {
    expectSame(text, 'Text', fc.string({ unit: 'grapheme' }));
    expectSame(bytes, 'Bytes', hexOf(2_000), prefixed);
    expectSame(account, 'AccountId', fc.constantFrom('a', 'b').map(hotkey));
  });

  test('lists, options and structs', () => {
    expectSame(vec(u16), 'Vec<u16>', fc.array(fc.nat(65_535), { maxLength: 200 }));
    expectSame(option(u32), 'Option<u32>', fc.option(fc.nat()));
    expectSame(tuple(u16, bool), '(u16, bool)', fc.tuple(fc.nat(65_535), fc.boolean()));
    expectSame(
      struct({ versionKey: u64, on: bool }),
      '{"versionKey":"u64","on":"bool"}',
      fc.record({ versionKey: big(64n), on: fc.boolean() }),
    );
  });

  test('enums', () => {
    expectSame(
      words('Pays', ['Yes', 'No']),
      '{"_enum":["Yes","No"]}',
      fc.constantFrom('Yes', 'No'),
    );
    const phase = variant('Phase', { ApplyExtrinsic: [0, u32], Initialization: [2, unit] });
    expect(encode(phase, ['ApplyExtrinsic', 5])).toEqual(Uint8Array.of(0, 5, 0, 0, 0));
    expect(decode(phase, Uint8Array.of(2))).toEqual(['Initialization', []]);
  });
});

describe('what no type can hold is refused', () => {
  test.each<[string, () => unknown]>([
    ['a number over its bits', () => encode(u16, 65_536)],
    ['a negative number', () => encode(u8, -1)],
    ['a fraction', () => encode(u32, 0.5)],
    ['a big number over its bits', () => encode(u64, 1n << 64n)],
    ['a negative big number', () => encode(compact(u64), -1n)],
    ['a compact number over its bits', () => encode(compact(u16), 65_536)],
    ['bytes of another length', () => encode(fixedBytes(32), 'ab')],
    ['text that is no hex', () => encode(bytes, 'xy')],
    ['half a byte', () => encode(bytes, 'abc')],
    ['an address with a wrong checksum', () => encode(account, hotkey('a').replace(/.$/, '1'))],
  ])('%s', (_name, write) => {
    expect(write).toThrow(/input.invalid|key.invalid/);
  });
});

describe('bytes that are no value are refused', () => {
  test.each<[string, Scale<unknown>, string]>([
    ['that end early', u32, '000000'],
    ['that go on', u16, '000000'],
    ['a list longer than what is left', vec(u8), 'fe00'],
    ['a list of nothing, four billion times', vec(unit), '0300000000'],
    ['a compact number in a longer form', compact(u64), '0100'],
    ['a compact number with zeros on top', compact(u64), '0700000000ff00'],
    ['a compact number over its bits', compact(u16), '02000400'],
    ['an option that is neither none nor some', option(u8), '0200'],
    ['a truth that is neither', bool, '02'],
    ['a variant that is none', words('Pays', ['Yes', 'No']), '02'],
  ])('%s', (_name, scale, hex) => {
    expect(() => decode(scale, fromHex(hex))).toThrow('input.invalid');
  });
});

test('any bytes are either a value that is written the same way, or refused', () => {
  const scale = vec(
    struct({ at: compact(u64), who: option(fixedBytes(2)), note: bytes, on: bool }),
  );
  // Small numbers are lengths, tags and the modes of compact numbers.
  const byte = fc.oneof(fc.nat(5), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 40 }).map((raw) => Uint8Array.from(raw)),
      (raw) => {
        let value: ValueOf<typeof scale>;
        try {
          value = decode(scale, raw);
        } catch (error) {
          expect(String(error)).toContain('input.invalid');
          return;
        }
        expect(encode(scale, value)).toEqual(raw);
      },
    ),
  );
});

test('zero is what a type holds before anything is written', () => {
  expect(zero(struct({ count: u64, list: vec(u16), note: option(text) }))).toEqual({
    count: 0n,
    list: [],
    note: null,
  });
});
