"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const voice = document.getElementById("said");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** The page's own colors: a figure is read by day, by night and on paper. */
  function colors(onPaper) {
    const style = getComputedStyle(document.documentElement);
    const of = (name, paper) => (onPaper ? paper : style.getPropertyValue(name).trim());
    return { ink: of("--ink", "#000000"), line: of("--line", "#bbbbbb"), paper: of("--paper", "#ffffff") };
  }

  function dressed({ data, layout }, onPaper) {
    const { ink, line, paper } = colors(onPaper);
    const made = { ...layout, paper_bgcolor: paper, plot_bgcolor: paper, font: { ...layout.font, color: ink } };
    made.hoverlabel = { bgcolor: paper, bordercolor: ink, font: { color: ink } };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      made[key] = { ...layout[key], gridcolor: line, linecolor: line, zerolinecolor: line };
    }
    if (innerWidth < 640) {
      made.margin = { ...layout.margin, l: Math.min(96, (layout.margin || {}).l || 64), r: 8 };
      const named = data.filter((trace) => trace.name && trace.showlegend !== false).length;
      made.height = layout.height + 20 * named; // a phone puts the names one below the other
    }
    return made;
  }

  /** What a dot says: its hover text, or its place. */
  function told(trace, place) {
    if (Array.isArray(trace.hovertext)) return trace.hovertext[place].replaceAll("<br>", ", ");
    if (trace.type === "heatmap") {
      const [row, column] = place;
      return `is ${trace.y[row]}, taken for ${trace.x[column]}: ${trace.text[row][column]} images`;
    }
    const own = Array.isArray(trace.customdata) ? trace.customdata[place] : undefined;
    const of = (axis) => (Array.isArray(trace[axis]) ? trace[axis][place] : undefined);
    return [trace.name, own === undefined ? "" : `trial ${own}`, `${of("x")}: ${of("y")}`].filter(Boolean).join(", ");
  }

  /** Names are escaped for Plotly, which reads them as HTML; a voice does not. */
  function asText(html) {
    return new DOMParser().parseFromString(html, "text/html").body.textContent;
  }

  /** The dots of a trace that are drawn; the cells of a matrix that hold something, row by row. */
  function placesOf(trace) {
    if (trace.type === "heatmap") {
      return trace.text.flatMap((row, y) => row.flatMap((count, x) => (count ? [[y, x]] : [])));
    }
    return trace.x.map((x, point) => (x === null || trace.y[point] === null ? -1 : point)).filter((point) => point >= 0);
  }

  /** Left and right go from dot to dot, as the mouse would; the page says each aloud. */
  function byKeyboard(plot) {
    const places = plot.data.flatMap((trace, curve) =>
      trace.hoverinfo === "skip" || !Array.isArray(trace.x)
        ? []
        : placesOf(trace).map((point) => ({ curveNumber: curve, pointNumber: point })),
    );
    let at = -1;
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") Plotly.Fx.unhover(plot);
      if (!step || !places.length) return;
      event.preventDefault();
      at = (at + step + places.length) % places.length;
      const { curveNumber, pointNumber } = places[at];
      Plotly.Fx.hover(plot, [{ curveNumber, pointNumber }]);
      voice.textContent = asText(told(plot.data[curveNumber], pointNumber));
    });
  }

  /** A click on a trial opens its run in MLflow, where the page knows the address. */
  function byClick(plot) {
    plot.on("plotly_click", ({ points }) => {
      const link = document.querySelector(`[data-trial="${points[0].customdata}"]`);
      if (link) open(link.href, "_blank", "noopener");
    });
  }

  async function draw(id) {
    const plot = document.getElementById(id);
    const figure = figures[id];
    await Plotly.newPlot(plot, figure.data, dressed(figure, false), { responsive: true, displaylogo: false });
    plot.dataset.drawn = "yes";
    byKeyboard(plot);
    byClick(plot);
  }

  function dress(onPaper) {
    for (const id of Object.keys(figures)) {
      Plotly.relayout(document.getElementById(id), dressed(figures[id], onPaper));
    }
  }

  let closed = [];
  (async () => {
    for (const id of Object.keys(figures)) {
      await draw(id);
    }
    document.body.dataset.drawn = "yes";
    dark.addEventListener("change", () => dress(false));
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details:not([open])")];
      closed.forEach((each) => (each.open = true));
      dress(true);
    });
    addEventListener("afterprint", () => {
      closed.forEach((each) => (each.open = false));
      dress(false);
    });
  })();
})();
