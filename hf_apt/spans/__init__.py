"""Names in text found as spans between masks (FFF-NER), and the taggers they are held against."""
