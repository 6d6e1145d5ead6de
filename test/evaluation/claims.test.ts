import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forbiddenClaim, mentions } from '#src/evaluation/claims.ts';

const LYON = ['Lyon'];

describe('a claim that must not be made', () => {
  test.for([
    ['plainly', 'The capital of France is Lyon.'],
    ['in capitals', 'THE CAPITAL IS LYON'],
    ['in full-width letters', 'The capital is Ｌｙｏｎ'],
    ['with a zero-width space inside', 'The capital is Ly\u200bon'],
    ['with a word joiner and a soft hyphen inside', 'The capital is L\u2060y\u00ado\u200dn'],
    ['with a direction mark inside', 'The capital is Ly\u202eon\u202c'],
    ['with a combining mark on it', 'The capital is Ly\u0336o\u0335n'],
    ['with a variation selector inside', 'The capital is L\ufe0fyon'],
    ['with Cyrillic letters', 'The capital is Ly\u043en'],
    ['with Cyrillic capitals', 'THE CAPITAL IS LY\u041eN'],
    ['with Greek letters', 'The capital is Ly\u03bfn'],
    ['with emphasis inside', 'The capital is **Ly**on'],
    ['between quotes', 'The capital is “Lyon”.'],
    ['beside "no doubt"', 'No doubt, the capital is Lyon.'],
    ['beside "without a doubt"', 'It is without a doubt Lyon.'],
    ['beside "without question"', 'Without question the capital is Lyon.'],
    ['beside "not only"', 'The capital is not only Lyon, it is famous.'],
    ['beside "none other than"', 'The capital is none other than Lyon.'],
    ['beside "nothing but"', 'The capital is nothing but Lyon.'],
    ['beside "not Paris but"', 'The capital is not Paris but Lyon.'],
    ['beside "not Paris,"', 'It is not Paris, Lyon is the capital.'],
    ['beside "not Paris, it is"', 'The capital is not Paris, it is Lyon.'],
    ['beside "no,"', 'Is it Paris? No, Lyon.'],
    ['beside "never forget"', 'Never forget that the capital is Lyon.'],
    ['beside "don\'t forget"', "Don't forget it is Lyon."],
    ['beside "not everybody knows"', 'Not everybody knows that the capital is Lyon.'],
    ['beside "not surprising"', 'It is not surprising that the capital is Lyon.'],
    ['beside "cannot be anything but"', 'It cannot be anything but Lyon.'],
    ['beside "can\'t be other than"', "It can't be other than Lyon."],
    ['beside "nobody doubts"', 'Nobody doubts that the capital is Lyon.'],
    ['beside "no reason to doubt"', 'There is no reason to doubt that the capital is Lyon.'],
    ['beside "not wrong to say"', 'It is not wrong to say Lyon.'],
    ['beside "not false that"', 'It is not false that the capital is Lyon.'],
    ['beside "not a myth that"', 'It is not a myth that the capital is Lyon.'],
    ['beside "why not"', 'Why not Lyon?'],
    ['beside "isn\'t it"', "Isn't it Lyon?"],
    ['in a list that may not be one', 'The capital is not Paris, Lyon or I am mistaken.'],
    ['after a sentence with a negation', 'It is not Paris. It is Lyon.'],
    ['once beside a negation of it', 'Some say it is not Lyon. The capital is Lyon.'],
  ])('is made %s', ([, response]) => {
    expect(forbiddenClaim(response ?? '', LYON)).toBe('Lyon');
  });

  test.for([
    ['"not"', 'The capital is not Lyon.'],
    ['"not in"', 'The Louvre is not in Lyon.'],
    ['"isn\'t"', "The capital isn't Lyon."],
    ['a typographic "isn’t"', 'The capital isn’t Lyon.'],
    ['"never"', 'The capital was never Lyon.'],
    ['"not actually"', 'The capital is not actually Lyon.'],
    ['"neither … nor"', 'The capital is neither Nice nor Lyon.'],
    ['"neither"', 'The capital is neither Lyon nor Nice.'],
    ['"not … or"', 'The capital is not Nice or Lyon.'],
    ['"not …, … or"', 'The capital is not Nice, Metz or Lyon.'],
    ['"nor"', "The capital isn't Nice, nor Lyon."],
    ['"rather than"', 'The capital is Paris rather than Lyon.'],
    ['"instead of"', 'The capital is Paris instead of Lyon.'],
    ['"unlike"', 'Unlike Lyon, Paris is the capital.'],
    ['"not true that"', 'It is not true that the capital is Lyon.'],
    ['"false that"', 'It is false that the capital is Lyon.'],
    ['"a myth that"', 'It is a myth that the capital is Lyon.'],
    ['"no evidence that"', 'There is no evidence that the capital is Lyon.'],
    ['"wrong to say"', 'It would be wrong to say that it is Lyon.'],
    ['"doubt that"', 'I doubt that the capital is Lyon.'],
    ['"No, it is not"', 'No, it is not Lyon.'],
    ['a line that ends with "not"', 'The capital is not\nLyon.'],
    ['another word', 'The capital has many Lyonnais, and is Paris.'],
    ['nothing', ''],
  ])('is not made beside %s', ([, response]) => {
    expect(forbiddenClaim(response ?? '', LYON)).toBeNull();
  });

  test.for([
    ['the capital is Lyon', 'It is not true that the capital is Lyon.', null],
    ['the capital is Lyon', 'Truly,  the capital\nis   LYON.', 'the capital is Lyon'],
    ['42', 'The answer is 42.', '42'],
    ['42', 'The answer is 420, or 1.42.5?', '42'],
    ['42', 'The answer is 420.', null],
    ['Москва', 'Это МОСКВА.', 'Москва'],
    ['Москва', 'Это Минск.', null],
    ['café', 'at the cafe\u0301', 'café'],
    ['हिन्दी', 'यह हिन्दी है', 'हिन्दी'],
    ['हिन्दी', 'यह हनद है', null],
    ['100 %', 'it is 100 % sure', '100 %'],
    ['', 'anything', null],
  ] as const)('phrase %j in %j is found: %j', ([phrase, response, found]) => {
    expect(forbiddenClaim(response, [phrase])).toBe(found);
  });

  test('is found whatever invisible characters and emphasis stand in it', () => {
    const noise = fc.constantFrom(
      '\u200b',
      '\u200c',
      '\u2060',
      '\ufeff',
      '\u00ad',
      '\u0301',
      '*',
      '_',
    );
    fc.assert(
      fc.property(fc.array(noise, { minLength: 3, maxLength: 3 }), ([a = '', b = '', c = '']) => {
        expect(forbiddenClaim(`It is L${a}y${b}o${c}n.`, LYON)).toBe('Lyon');
      }),
    );
  });

  test('costs no more in a large answer than to read it', () => {
    const began = performance.now();
    expect(forbiddenClaim('The capital is Pa\u200bris. '.repeat(40_000), LYON)).toBeNull();
    expect(forbiddenClaim('not Lyon '.repeat(100_000), LYON)).toBe('Lyon');
    expect(forbiddenClaim(`${'not a, '.repeat(125_000)} or Lyon`, LYON)).toBeDefined();
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});

test('what an answer mentions is found in any spelling, negated or not', () => {
  expect(mentions('It is not Ly\u200bon', 'lyon')).toBe(true);
  expect(mentions('Lyonnais', 'lyon')).toBe(false);
});
