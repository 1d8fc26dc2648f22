import * as echarts from 'echarts';

/** A chart with both axes logarithmic, as SVG. */
export const logChart = ({
  title,
  x,
  y,
  lines,
}: {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Points by the name of their line. */
  readonly lines: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}): string => {
  const drawn = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 380 });
  drawn.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { bottom: 0, itemGap: 40 },
    grid: { left: 70, right: 40, top: 50, bottom: 80 },
    xAxis: { type: 'log', name: x, nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'log', name: y },
    series: Object.entries(lines).map(([name, data]) => ({
      type: 'line',
      name,
      data: data.map(([at, value]) => [at, Number(value.toPrecision(4))]),
    })),
  });
  const svg = drawn.renderToSVGString();
  drawn.dispose();
  return `${svg}\n`;
};

/** Markdown, aligned as the project's other tables are. */
export const markdownTable = <R>(columns: Readonly<Record<string, (row: R) => string>>, rows: readonly R[]): string => {
  const cells = [Object.keys(columns), ...rows.map((row) => Object.values(columns).map((show) => show(row)))];
  const widths = Object.keys(columns).map((_, at) => Math.max(3, ...cells.map((line) => line[at]?.length ?? 0)));
  const write = (line: readonly string[]): string => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [write(head), write(widths.map((width) => '-'.repeat(width))), ...body.map(write), ''].join('\n');
};

/** The page with these figures between its marks, in the place of those that are there. */
export const withFigures = (page: string, figures: string): string => {
  const [before = '', , after = ''] = page.split(/(<!-- figures -->\n)[\s\S]*(?=<!-- end of figures -->)/);
  return `${before}<!-- figures -->\n\n${figures}\n${after}`;
};
