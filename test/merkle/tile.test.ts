import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeEntries,
  encodeEntries,
  entriesBetween,
  entriesPath,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
  tilesBetween,
} from '#src/merkle/tile.ts';
import vectors from '../vectors/merkle.json' with { type: 'json' };
import { bytes, hex } from './leaves.ts';

describe('paths', () => {
  test.each(vectors.paths)('$path', ({ path, level, index, width }) => {
    const written = level === null ? entriesPath(index, width) : tilePath(level, index, width);
    expect(written).toBe(path);
    const kind = level === null ? { kind: 'entries' } : { kind: 'tile', level };
    expect(parseTilePath(path)).toEqual({ ...kind, index, width });
  });

  test.each(vectors.notPaths)('%j is none', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });

  test('each tile has one path, and each path one tile', () => {
    fc.assert(
      fc.property(
        fc.nat(63),
        fc.maxSafeNat(),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          const tile = { kind: 'tile', level, index, width };
          expect(parseTilePath(tilePath(level, index, width))).toEqual(tile);
          expect(parseTilePath(entriesPath(index, width))).toEqual({
            kind: 'entries',
            index,
            width,
          });
        },
      ),
    );
  });

  test('any text is the path of what it says, or none', () => {
    const piece = fc.constantFrom(
      'tile',
      'entries',
      '/',
      '0',
      '1',
      '63',
      '000',
      'x001',
      '067',
      '.p',
      '256',
      '',
      '9',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = pieces.join('');
        const ref = parseTilePath(path);
        if (ref === null) return;
        const again =
          ref.kind === 'tile'
            ? tilePath(ref.level, ref.index, ref.width)
            : entriesPath(ref.index, ref.width);
        expect(again).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['level 64', () => tilePath(64, 0, 1)],
    ['a level below 0', () => tilePath(-1, 0, 1)],
    ['an index below 0', () => tilePath(0, -1, 1)],
    ['an index that is not whole', () => entriesPath(0.5, 1)],
    ['an empty tile', () => tilePath(0, 0, 0)],
    ['a tile of 257', () => entriesPath(0, 257)],
  ])('%s has none', (_name, path) => {
    expect(path).toThrow('input.invalid');
  });
});

describe('a bundle of entries', () => {
  const { bundle } = vectors;

  test('is each entry after its length in two bytes', () => {
    expect(hex(encodeEntries(bundle.entries.map(bytes)))).toBe(bundle.bytes);
    expect(decodeEntries(bytes(bundle.bytes)).map(hex)).toEqual(bundle.entries);
  });

  test('gives back the entries that it was made of', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: TILE_WIDTH }),
        (entries) => {
          expect(decodeEntries(encodeEntries(entries)).map(hex)).toEqual(entries.map(hex));
        },
      ),
    );
  });

  test('of which a part is missing is refused, unless an entry ends there', () => {
    const whole = bytes(bundle.bytes);
    const ends = [0, 5, 10, whole.length];
    for (let length = 0; length <= whole.length; length += 1) {
      const read = () => decodeEntries(whole.subarray(0, length));
      if (ends.includes(length)) expect(read()).toHaveLength(ends.indexOf(length));
      else expect(read).toThrow('checkpoint.invalid');
    }
  });

  test('any bytes are a bundle that is written the same, or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2, 3, 255), { maxLength: 40 }), (raw) => {
        const data = Uint8Array.from(raw);
        const entries = attempt(() => decodeEntries(data));
        if (entries !== undefined) expect(hex(encodeEntries(entries))).toBe(hex(data));
      }),
    );
  });

  test('with more than 256 entries is refused', () => {
    expect(decodeEntries(new Uint8Array(2 * TILE_WIDTH))).toHaveLength(TILE_WIDTH);
    expect(() => decodeEntries(new Uint8Array(2 * TILE_WIDTH + 2))).toThrow('checkpoint.invalid');
  });

  test('takes entries of 65,535 bytes, not of more', () => {
    const entry = new Uint8Array(65_535).fill(7);
    expect(decodeEntries(encodeEntries([entry, entry]))).toEqual([entry, entry]);
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow('event.too-large');
  });

  test('is read where it lies in greater bytes', () => {
    const around = bytes(`ffff${bundle.bytes}ffff`);
    expect(decodeEntries(around.subarray(2, -2)).map(hex)).toEqual(bundle.entries);
  });
});

describe('what a growing log writes', () => {
  test('a log of 70,000 entries has 273 full tiles and a partial one, and two levels above', () => {
    const tiles = tilesBetween(0, 70_000);
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.slice(273)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(entriesBetween(0, 70_000)).toHaveLength(274);
  });

  test('a log of 256 entries has one full tile, and its hash in a tile above', () => {
    expect(tilesBetween(0, 256).map(pathOf)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(entriesBetween(0, 256)).toEqual([{ index: 0, width: 256 }]);
  });

  test('an empty log has nothing to write, nor has one that did not grow', () => {
    for (const size of [0, 1, 256, 300]) {
      expect(tilesBetween(size, size)).toEqual([]);
      expect(entriesBetween(size, size)).toEqual([]);
    }
  });

  test('the tiles of each size are there when it is reached, whatever the steps', () => {
    const step = fc.oneof(fc.nat(5), fc.nat(600), fc.nat(140_000));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const written = new Set<string>();
        let size = 0;
        for (const grown of steps) {
          for (const ref of tilesBetween(size, size + grown)) written.add(pathOf(ref));
          for (const { index, width } of entriesBetween(size, size + grown))
            written.add(entriesPath(index, width));
          size += grown;
          for (const path of pathsOf(size))
            if (!written.has(path)) expect.fail(`${path} of ${size}`);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('nothing is written that is there already', () => {
    expect(tilesBetween(255, 257).map(pathOf)).toEqual([
      'tile/0/000',
      'tile/0/001.p/1',
      'tile/1/000.p/1',
    ]);
    expect(tilesBetween(256, 257).map(pathOf)).toEqual(['tile/0/001.p/1']);
    expect(tilesBetween(300, 400).map(pathOf)).toEqual(['tile/0/001.p/144']);
  });

  test.each([
    ['shrink', 2, 1],
    ['begin below 0', -1, 1],
    ['end at a size that is not whole', 0, 1.5],
  ])('a log does not %s', (_name, from, to) => {
    expect(() => tilesBetween(from, to)).toThrow('input.invalid');
    expect(() => entriesBetween(from, to)).toThrow('input.invalid');
  });
});

/** The files of a log of that size, by the words of tlog-tiles: full tiles, and one partial tile where something is left. */
function pathsOf(size: number): readonly string[] {
  const paths: string[] = [];
  const add = (count: number, path: (index: number, width: number) => string) => {
    for (let index = 0; index < Math.floor(count / 256); index += 1) paths.push(path(index, 256));
    if (count % 256 > 0) paths.push(path(Math.floor(count / 256), count % 256));
  };
  add(size, entriesPath);
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / 256))
    add(count, (index, width) => tilePath(level, index, width));
  return paths;
}

function pathOf({ level, index, width }: { level: number; index: number; width: number }): string {
  return tilePath(level, index, width);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
