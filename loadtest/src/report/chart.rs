//! Charts as SVG whose colours the page decides, so that they are readable in both of its themes.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SIZE: (u32, u32) = (880, 240);

/// Stand-ins for the variables of the style sheet, which `themed` puts in.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const MARK: RGBColor = RGBColor(3, 3, 3);
const SERIES: [RGBColor; 4] =
    [RGBColor(10, 10, 1), RGBColor(10, 10, 2), RGBColor(10, 10, 3), RGBColor(10, 10, 4)];

/// Several lines over one axis.
pub struct Chart<'a> {
    pub title: &'a str,
    pub unit: &'a str,
    pub lines: Vec<Line<'a>>,
    /// Moments that are marked, by number.
    pub marks: Vec<f64>,
    pub x: Axis,
    /// Where the axis ends: charts of one run end alike.
    pub until: f64,
}

pub struct Line<'a> {
    pub name: &'a str,
    /// None where nothing is known: the line is broken there.
    pub points: Vec<(f64, Option<f64>)>,
    /// The ends of a straight line that was fitted to it.
    pub trend: Option<[(f64, f64); 2]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    Seconds,
    /// Shares of all, each step halving what is left.
    Halvings,
}

impl Chart<'_> {
    /// Nothing where there is nothing to draw.
    pub fn svg(&self) -> anyhow::Result<Option<String>> {
        let known = || self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
        let highest = known().fold(0.0, f64::max);
        if known().next().is_none() || self.until <= 0.0 {
            return Ok(None);
        }
        let mut svg = String::new();
        self.draw(&mut svg, highest.max(f64::MIN_POSITIVE) * 1.08)
            .map_err(|error| anyhow!("a chart cannot be drawn: {error}"))?;
        Ok(Some(themed(&svg)))
    }

    fn draw(&self, svg: &mut String, highest: f64) -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .margin_top(18)
            .x_label_area_size(24)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..self.until, 0.0..highest)?;
        let small = ("sans-serif", 12).into_font().color(&INK);
        let x = self.x;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .label_style(small.clone())
            .x_labels(10)
            .y_labels(5)
            .x_label_formatter(&move |at| match x {
                Axis::Seconds => format!("{at:.0} s"),
                Axis::Halvings => format!("{}%", trimmed(100.0 * (1.0 - 0.5_f64.powf(*at)))),
            })
            .y_label_formatter(&|value| format!("{} {}", trimmed(*value), self.unit).trim_end().to_owned())
            .draw()?;
        for (nth, at) in self.marks.iter().enumerate() {
            chart.draw_series(std::iter::once(PathElement::new(vec![(*at, 0.0), (*at, highest)], MARK)))?;
            let label = small.clone().color(&MARK).pos(Pos::new(HPos::Center, VPos::Bottom));
            let text = Text::new((nth + 1).to_string(), (*at, highest), label);
            chart.draw_series(std::iter::once(text))?;
        }
        for (line, colour) in self.lines.iter().zip(SERIES) {
            for run in line.runs() {
                chart.draw_series(LineSeries::new(run, colour.stroke_width(2)))?;
            }
            if let Some(trend) = line.trend {
                chart.draw_series(LineSeries::new(trend, INK.stroke_width(1)))?;
            }
        }
        area.present()?;
        Ok(())
    }

    /// Which colour is which line.
    pub fn legend(&self) -> String {
        let key = |(nth, line): (usize, &Line<'_>)| {
            format!(r#"<span class="key" style="--c: var(--s{nth})">{}</span>"#, line.name)
        };
        self.lines.iter().enumerate().map(key).collect::<Vec<_>>().concat()
    }
}

impl Line<'_> {
    fn runs(&self) -> Vec<Vec<(f64, f64)>> {
        let mut runs = vec![Vec::new()];
        for (x, y) in &self.points {
            match (y, runs.last_mut()) {
                (Some(y), Some(run)) => run.push((*x, *y)),
                (None, _) => runs.push(Vec::new()),
                (Some(_), None) => {}
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }
}

fn themed(svg: &str) -> String {
    let mut svg = svg
        .replace("#010101", "var(--ink)")
        .replace("#020202", "var(--grid)")
        .replace("#030303", "var(--mark)")
        .replacen("<svg ", r#"<svg role="img" "#, 1);
    for nth in 0..SERIES.len() {
        svg = svg.replace(&format!("#0A0A0{}", nth + 1), &format!("var(--s{nth})"));
    }
    // The page scales it to its own width.
    svg.replacen(&format!(r#"width="{}" height="{}" "#, SIZE.0, SIZE.1), "", 1)
}

/// A figure as short as it can be said.
fn trimmed(value: f64) -> String {
    if value >= 1e6 {
        return format!("{:.1} M", value / 1e6);
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Axis, Chart, Line, trimmed};

    #[test]
    fn a_chart_takes_its_colours_from_the_page_and_breaks_its_lines() {
        let points = vec![(1.0, Some(5.0)), (2.0, None), (3.0, Some(7.0)), (4.0, Some(8.0))];
        let lines = vec![Line { name: "a line", points, trend: Some([(1.0, 5.0), (4.0, 8.0)]) }];
        assert_eq!(lines[0].runs().len(), 2);
        let chart = Chart { title: "", unit: "ms", lines, marks: vec![2.0], x: Axis::Seconds, until: 4.0 };
        let svg = chart.svg().unwrap().unwrap();
        for variable in ["var(--ink)", "var(--grid)", "var(--mark)", "var(--s0)"] {
            assert!(svg.contains(variable), "{variable} in {svg}");
        }
        assert!(!svg.contains("#0"), "{svg}");
        let nothing = Chart { lines: vec![], ..chart };
        assert!(nothing.svg().unwrap().is_none());
    }

    #[test]
    fn figures_are_short() {
        assert_eq!([trimmed(12.0), trimmed(0.25), trimmed(2_500_000.0)], ["12", "0.25", "2.5 M"]);
    }
}
