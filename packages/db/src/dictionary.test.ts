import { describe, expect, it } from 'vitest';
import { CommittedNames, Dictionary } from './dictionary.ts';

describe('a dictionary', () => {
  it('keeps what was committed and forgets what was rolled back', () => {
    const dictionary = new Dictionary();
    dictionary.learn(1, 'kept');
    dictionary.commit();
    dictionary.learn(2, 'lost');
    expect([dictionary.idOf('lost'), dictionary.nameOf(2)]).toEqual([2, 'lost']);
    dictionary.rollback();
    expect([dictionary.idOf('lost'), dictionary.nameOf(2)]).toEqual([undefined, undefined]);
    expect([dictionary.idOf('kept'), dictionary.nameOf(1)]).toEqual([1, 'kept']);
  });

  it('shows other sessions only what was committed', () => {
    const committed = new CommittedNames();
    const writer = new Dictionary(committed);
    const reader = new Dictionary(committed);
    writer.learn(1, 'a');
    expect(reader.idOf('a')).toBeUndefined();
    writer.commit();
    expect(reader.nameOf(1)).toBe('a');
  });

  it('stays bounded, and never forgets what was just learnt', () => {
    const committed = new CommittedNames(10);
    const reader = new Dictionary(committed);
    for (let id = 0; id < 1000; id++) {
      const writer = new Dictionary(committed);
      writer.learn(id, `n${id}`);
      writer.commit();
      expect(reader.nameOf(id)).toBe(`n${id}`);
      if (id >= 9) expect(reader.nameOf(id - 9)).toBe(`n${id - 9}`);
    }
    const remembered = Array.from({ length: 1000 }, (_, id) => reader.idOf(`n${id}`)).filter((id) => id !== undefined);
    expect(remembered.length).toBeLessThanOrEqual(20);
  });
});
