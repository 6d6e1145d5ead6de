import { describe } from 'vitest';
import { appending } from './append-contract.ts';
import { broken } from './broken-contract.ts';
import { reading } from './read-contract.ts';
import type { Site } from './site.ts';
import { allOrNothing, oneWriter } from './writer-contract.ts';

/** What every store of a log must do, seen through the writer and the readers above it. */
export function logContract(name: string, openSite: () => Promise<Site>): void {
  describe(`${name}: appending`, () => {
    appending(openSite);
  });
  describe(`${name}: all or nothing`, () => {
    allOrNothing(openSite);
  });
  describe(`${name}: one writer`, () => {
    oneWriter(openSite);
  });
  describe(`${name}: reading`, () => {
    reading(openSite);
  });
  describe(`${name}: a log that is not as it was written`, () => {
    broken(openSite);
  });
}
