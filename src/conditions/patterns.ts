// Users' patterns, compiled to machines that run in time linear in the text (RE2), never to a backtracking RegExp.
import { RE2JS } from 're2js';
import type { TextTest } from '../rule.js';

/** At most this many characters of a pattern: the machine grows with it. */
const longest = 512;

/** Matches the whole text: `*` any characters, `?` any one; all else stands for itself. */
export function compileGlob(glob: string): TextTest {
  const parts = Array.from(glob, (character) =>
    character === '*' ? '.*' : character === '?' ? '.' : RE2JS.quote(character),
  );
  const machine = RE2JS.compile(parts.join(''), RE2JS.DOTALL);
  return { test: (text) => machine.testExact(text) };
}

/** A regular expression found anywhere in the text (RE2 syntax: no look-around, no back references), or why it is none. */
export function compileExpression(expression: string, letters: 'with case' | 'without case'): TextTest | string {
  if (expression.length > longest) return `at most ${longest} characters, found ${expression.length}`;
  try {
    const machine = RE2JS.compile(expression, letters === 'without case' ? RE2JS.CASE_INSENSITIVE : 0);
    return { test: (text) => machine.test(text) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Matches a text that equals one of these. */
export function oneOf(texts: readonly string[]): TextTest {
  const set = new Set(texts);
  return { test: (text) => set.has(text) };
}
