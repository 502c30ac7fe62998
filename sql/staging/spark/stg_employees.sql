-- title: Employees with canonical names
-- grain: employee_id
-- needs: employees
-- columns:
--   employee_id: id, key of the employee
--   employee_name: text, first and last name
--   job_title: text, job title
--   office_id: id, office the employee works in
--   reports_to: id, employee_id of the superior, null at the top
SELECT
    employeeNumber AS employee_id,
    TRIM(
        TRIM(COALESCE(CAST(firstName AS STRING), '')) || ' ' || TRIM(COALESCE(CAST(lastName AS STRING), ''))
    ) AS employee_name,
    jobTitle AS job_title,
    officeCode AS office_id,
    reportsTo AS reports_to
FROM employees
