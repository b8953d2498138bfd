// Users' patterns, compiled to machines that run in time linear in the text (RE2), never to a backtracking RegExp.
import { createRequire } from 'node:module';
import type * as re2js from 're2js';
import type { TextTest } from '../rule.js';

let loaded: typeof re2js | null = null;

/** Loaded for the first pattern: a command that only sends has none. */
function machines(): typeof re2js.RE2JS {
  const { RE2JS }: typeof re2js = (loaded ??= createRequire(import.meta.url)('re2js'));
  return RE2JS;
}

/** At most this many characters of a pattern: the machine grows with it. */
const longest = 512;

/** Texts whose answer is kept: frames and slices say the same again and again, and the machine takes a microsecond a character. */
const mostRemembered = 16;

function remembered(test: (text: string) => boolean): TextTest {
  const known = new Map<string, boolean>();
  return {
    test: (text) => {
      let answer = known.get(text);
      if (answer !== undefined) return answer;
      if (known.size >= mostRemembered) known.clear();
      answer = test(text);
      known.set(text, answer);
      return answer;
    },
  };
}

/** Matches the whole text: `*` any characters, `?` any one; all else stands for itself. */
export function compileGlob(glob: string): TextTest {
  const RE2JS = machines();
  const parts = Array.from(glob, (character) =>
    character === '*' ? '.*' : character === '?' ? '.' : RE2JS.quote(character),
  );
  const machine = RE2JS.compile(parts.join(''), RE2JS.DOTALL);
  return remembered((text) => machine.testExact(text));
}

/** A regular expression found anywhere in the text (RE2 syntax: no look-around, no back references), or why it is none. */
export function compileExpression(expression: string, letters: 'with case' | 'without case'): TextTest | string {
  if (expression.length > longest) return `at most ${longest} characters, found ${expression.length}`;
  const RE2JS = machines();
  try {
    const machine = RE2JS.compile(expression, letters === 'without case' ? RE2JS.CASE_INSENSITIVE : 0);
    return remembered((text) => machine.test(text));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Matches a text that equals one of these. */
export function oneOf(texts: readonly string[]): TextTest {
  const set = new Set(texts);
  return { test: (text) => set.has(text) };
}
