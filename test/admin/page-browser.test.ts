import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { seriesPage } from '../../src/admin/series-page.js';
import { startPage } from '../../src/admin/start-page.js';
import { openHttp } from '../../src/admin/server.js';
import type { HttpServer } from '../../src/admin/server.js';
import { describeWithPeers, findPeer } from '../support/peers.js';
import { fakeNode, key, list, series } from './node.js';

/** How many cards, and cells of figures, hold what is wider than they are. */
const beyond = `[...document.querySelectorAll('.card, .figures td, .figures th')].filter((card) => card.scrollWidth > card.clientWidth).length`;
const flags =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

describeWithPeers(['chromium'], 'the pages in Chromium', () => {
  let server: HttpServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await openHttp(fakeNode().options);
    browser = await chromium.launch({ executablePath: findPeer('chromium') ?? '', args: flags.split(' ') });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const open = async (
    colorScheme: 'light' | 'dark',
    width: number,
    path = '/',
  ): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${server.port}${path}`);
    return { page, complaints };
  };
  const ground = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');

  it('applies its style under its own policy, light and dark, without a complaint', async () => {
    const light = await open('light', 1200);
    const dark = await open('dark', 1200);
    expect(await ground(light.page)).toBe('rgb(245, 247, 248)');
    expect(await ground(dark.page)).toBe('rgb(15, 21, 24)');
    expect([...light.complaints, ...dark.complaints]).toEqual([]);
  });

  it.each([
    ['light', 'rgb(15, 111, 128)'],
    ['dark', 'rgb(92, 195, 212)'],
  ] as const)('has an icon, %s, that its own policy and that of the pages allow', async (scheme, colour) => {
    const { page, complaints } = await open(scheme, 1200, '/favicon.svg');
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.drop')).fill`)).toBe(colour);
    await page.goto(`http://127.0.0.1:${server.port}/`);
    const width = `new Promise((resolve) => { const image = new Image(); image.onload = () => resolve(image.width);
      image.onerror = () => resolve(0); image.src = document.querySelector('link[rel=icon]').href; })`;
    expect(await page.evaluate(width)).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it.each(
    ['/', `/series/${key}`, '/series/none'].flatMap((path) =>
      [320, 360, 650, 900].map((width) => [path, width] as const),
    ),
  )('%s fits a window of %d pixels, with nothing beyond its edge', async (path, width) => {
    const { page, complaints } = await open('light', width, path);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.evaluate(beyond)).toBe(0);
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it.each([360, 1060, 1440])('breaks names that are longer than a window of %d pixels has room for', async (width) => {
    const { page } = await open('light', width);
    const { options } = fakeNode();
    const [peer] = (await options.api?.peers()) ?? [];
    const [entry] = list;
    if (!peer || !entry) throw new Error('no peer, or no series');
    const host = 'archive.department-of-radiology.second-site.hospital.example';
    const says = `Takes nothing now: ${'unbroken_'.repeat(20)}`;
    const data = { node: 'node', roles: [], nowMs: 0, dependencies: [], queues: [], more: false };
    const sources = ['ct-emergency-department-ground-1', 'archive-of-the-second-site'];
    await page.setContent(
      startPage({ ...data, series: [{ ...entry, sources, says }], peers: [{ ...peer, host, says }] }),
    );
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.evaluate(beyond)).toBe(0);
  });

  it.each([320, 360])('breaks the command for older series in a window of %d pixels', async (width) => {
    const { page } = await open('light', width);
    const data = { node: 'node', roles: [], nowMs: 0, dependencies: [], queues: [], peers: [] };
    await page.setContent(startPage({ ...data, series: [...list], more: true }));
    expect(await page.evaluate(beyond)).toBe(0);
  });

  it.each([360, 1440])('breaks what stands beside the key of a series in a window of %d pixels', async (width) => {
    const { page } = await open('light', width);
    await page.setContent(seriesPage({ ...series, says: `Put it back into /${'very_long_folder/'.repeat(20)}.` }, 0));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  it('says when a series changed beside its key, in a narrow window', async () => {
    const { page } = await open('light', 1024);
    const tops = `[...document.querySelector('.rows tbody tr').querySelectorAll('a, .when')].map((cell) => cell.getBoundingClientRect().top)`;
    const [link = 0, when = 100] = await page.evaluate<number[]>(tops);
    expect(Math.abs(when - link)).toBeLessThan(10);
  });

  it('leads from a series to its page and back, by the keyboard alone', async () => {
    const { page } = await open('light', 1200);
    for (let tabs = 0; tabs < 2; tabs++) await page.keyboard.press('Tab');
    await Promise.all([page.waitForURL(`**/series/${key}`), page.keyboard.press('Enter')]);
    expect(await page.textContent('h1')).toContain(key);
    await page.keyboard.press('Tab');
    await Promise.all([page.waitForURL(/:\d+\/$/), page.keyboard.press('Enter')]);
    expect(await page.textContent('h2')).toBe('Depends on');
  });

  it.each(['/', `/series/${key}`])('%s is held still by the keyboard, and renews itself again', async (path) => {
    const { page } = await open('light', 1200, path);
    const renews = () => page.evaluate<number>(`document.querySelectorAll('meta[http-equiv=refresh]').length`);
    expect(await renews()).toBe(1);
    await page.focus('text=Hold still');
    await Promise.all([page.waitForURL(`**${path}?still`), page.keyboard.press('Enter')]);
    expect(await renews()).toBe(0);
    await Promise.all([page.waitForURL((url) => url.search === ''), page.click('text=Renew again')]);
    expect(await renews()).toBe(1);
  });

  it('goes on from a page that is held still among pages that stand, and says since when they do', async () => {
    const { page } = await open('light', 1200, '/?still');
    const stands = async () => {
      expect(await page.evaluate(`document.querySelectorAll('meta[http-equiv=refresh]').length`)).toBe(0);
      expect(await page.textContent('header')).toContain('As it was at 2026-11-20 10:05:00 UTC.');
    };
    await stands();
    await Promise.all([page.waitForURL(`**/series/${key}?still`), page.click(`text=${key}`)]);
    await stands();
    for (const link of ['h1 a', 'footer a']) {
      await page.goto(`http://127.0.0.1:${server.port}/series/${key}?still`);
      await Promise.all([page.waitForURL(/:\d+\/\?still$/), page.click(link)]);
      await stands();
    }
  });

  it('says of each head that it is of a column: who hears a table is told what a number is', async () => {
    const heads = `[...document.querySelectorAll('th')].filter((head) => head.scope !== 'col').length`;
    for (const path of ['/', `/series/${key}`]) {
      const { page } = await open('light', 1200, path);
      expect(await page.evaluate(`document.querySelectorAll('th').length`)).toBeGreaterThan(3);
      expect(await page.evaluate(heads)).toBe(0);
    }
  });

  it('leads to what the API tells of a series', async () => {
    const { page } = await open('light', 1200, `/series/${key}`);
    const [answer] = await Promise.all([page.waitForResponse(/\/api\/series\//), page.click('text=as JSON')]);
    expect(answer.status()).toBe(200);
    expect(await answer.json()).toMatchObject({ key });
  });
});
