// Text to HTML. Every value put into `html` is escaped, but for what `html` itself has made.

/** A piece of HTML that may stand in a page as it is. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What turns the direction of the text behind it: a comment of a peer would be read as another. */
const turns = /[\u202A-\u202E\u2066-\u2069]/g;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toHtml(value: unknown): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(toHtml).join('');
  if (typeof value === 'number' || typeof value === 'string')
    return String(value)
      .replace(turns, '?')
      .replace(/[&<>"']/g, (character) => entities[character] ?? '');
  return '';
}

/** Template tag: numbers and texts are escaped, pieces and lists of pieces stand as they are, anything else is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return new Html(parts.reduce((text, part, i) => text + toHtml(values[i - 1]) + part));
}
