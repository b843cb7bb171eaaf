//! Charts as SVG. The same numbers stand beside them as text.

/// A bar of a chart.
pub struct Bar {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    /// Which series it belongs to, from 0 on.
    pub series: usize,
    /// What it shows, in words.
    pub title: String,
}

/// Bars in groups, from the left.
pub struct Bars {
    pub width: i64,
    pub height: i64,
    pub bars: Vec<Bar>,
    /// Labels below: the middle of a group, and its text.
    pub labels: Vec<(i64, String)>,
    /// The largest value, at the top of the chart.
    pub most: i64,
}

/// Room for the labels.
const LABELS: i64 = 18;

impl Bars {
    /// Groups with a label and a value for each series, and the names of these.
    pub fn new(width: i64, height: i64, groups: &[(String, Vec<i64>)], series: &[&str]) -> Self {
        let has_labels = groups.iter().any(|(label, _)| !label.is_empty());
        let floor = if has_labels { height - LABELS } else { height };
        let most = groups.iter().flat_map(|(_, values)| values).copied().max().unwrap_or(0);
        let count = i64::try_from(groups.len()).unwrap_or(1).max(1);
        let per_group = i64::try_from(series.len()).unwrap_or(1).max(1);
        let step = width / count;
        let bar = (step * 4 / 5 / per_group).max(1);
        let mut chart = Self { width, height, bars: Vec::new(), labels: Vec::new(), most };
        // Labels need about 48 units each.
        let every = (48 / step.max(1) + 1).max(1);
        for (at, (label, values)) in (0..).zip(groups) {
            let left = at * step + step / 10;
            for (index, value) in values.iter().enumerate() {
                let tall = if most == 0 { 0 } else { value * (floor - 2) / most };
                let tall = if *value > 0 { tall.max(1) } else { 0 };
                chart.bars.push(Bar {
                    x: left + i64::try_from(index).unwrap_or(0) * bar,
                    y: floor - tall,
                    width: (bar - 1).max(1),
                    height: tall,
                    series: index,
                    title: format!("{label} {}: {value}", series.get(index).copied().unwrap_or_default()).trim().into(),
                });
            }
            if !label.is_empty() && at % every == 0 {
                chart.labels.push((left + bar * per_group / 2, label.clone()));
            }
        }
        chart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_chart_and_stand_on_its_floor() {
        let groups = [("a".to_owned(), vec![10, 0]), ("b".to_owned(), vec![5, 1])];
        let chart = Bars::new(100, 118, &groups, &["opened", "closed"]);
        let shown: Vec<(i64, i64)> = chart.bars.iter().map(|bar| (bar.y, bar.height)).collect();
        assert_eq!(shown, [(2, 98), (100, 0), (51, 49), (91, 9)]);
        assert!(chart.bars.iter().all(|bar| bar.x >= 0 && bar.x + bar.width <= 100));
        assert_eq!(chart.bars[0].title, "a opened: 10");
        assert_eq!(Bars::new(100, 20, &[], &[]).most, 0);
    }
}
